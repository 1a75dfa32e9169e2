"""Settings are typed; invalid values are rejected with a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from faceadmin.env import Environment

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("nonsense", ["many", "0", "65536", "8000.5", "NaN"])
def test_a_port_is_a_whole_number_in_its_range(nonsense):
    env = Environment({"FACEADMIN_PORT": nonsense})

    with pytest.raises(
        ImproperlyConfigured, match=r"FACEADMIN_PORT has to be a whole number from 1"
    ):
        env.integer("FACEADMIN_PORT", 8000, low=1, high=65535)


@pytest.mark.parametrize("nonsense", ["nan", "inf", "-0.1", "half"])
def test_a_number_lies_in_its_range(nonsense):
    with pytest.raises(ImproperlyConfigured, match=r"from 0 to 1, not"):
        Environment({"X": nonsense}).number("X", 0.5, low=0, high=1)


def test_a_flag_is_yes_or_no():
    assert Environment({"X": "On"}).flag("X", default=False) is True
    assert Environment({"X": "no"}).flag("X", default=True) is False
    assert Environment({"X": ""}).flag("X", default=True) is True
    with pytest.raises(ImproperlyConfigured, match="yes or no"):
        Environment({"X": "perhaps"}).flag("X", default=False)


def test_a_choice_is_one_of_its_words():
    with pytest.raises(ImproperlyConfigured, match="one of orm, mongodb, not 'redis'"):
        Environment({"X": "redis"}).choice("X", "orm", among=("orm", "mongodb"))


def test_patterns_are_separated_by_commas():
    env = Environment({"X": " *.lrdata, @thumb ,[Cc]ache?,, "})

    assert env.patterns("X") == ("*.lrdata", "@thumb", "[Cc]ache?")
    assert env.patterns("Y") == ()


@pytest.mark.parametrize("nonsense", ["*", "**", "?*", "a/b", "a\\b", "[ab", "ab[", "ok,*"])
def test_a_pattern_that_matches_no_name_or_every_name_is_refused(nonsense):
    with pytest.raises(ImproperlyConfigured, match=r"^X has to be names or patterns of names"):
        Environment({"X": nonsense}).patterns("X")


@pytest.mark.parametrize("nonsense", ["mongo", "http://host", "mongodb:", "mongodb://[::1"])
def test_an_address_has_its_scheme_and_is_not_repeated(nonsense):
    with pytest.raises(ImproperlyConfigured, match="begins with mongodb") as refusal:
        Environment({"X": nonsense}).url("X", schemes=("mongodb",))

    assert f"'{nonsense}'" not in str(refusal.value)


@pytest.mark.parametrize(
    "nonsense", ["nginx", "10.0.0.5/8", "10.0.0", "1.2.3.4:80", "0.0.0.0/0", "*"]
)
def test_networks_are_addresses_and_networks_that_leave_somebody_out(nonsense):
    env = Environment({"X": f"10.0.0.5, {nonsense}"})

    with pytest.raises(ImproperlyConfigured, match=r"X has to be IP addresses or networks") as no:
        env.networks("X", words=("unix",))

    assert f"not '{nonsense}'" in str(no.value)


def test_networks_are_read_from_a_list():
    env = Environment({"X": "10.0.0.5, 192.168.7.0/24,fd00::/8, unix"})

    assert env.networks("X", words=("unix",)) == ["10.0.0.5", "192.168.7.0/24", "fd00::/8", "unix"]
    assert Environment({}).networks("X") == []


def test_a_file_gives_defaults_that_the_environment_overrules(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("# a comment\n\nexport ONE='1'\nTWO=2\n")
    monkeypatch.setenv("TWO", "zwei")

    env = Environment.load(tmp_path / ".env")

    assert (env.text("ONE"), env.text("TWO")) == ("1", "zwei")


def test_a_file_with_nonsense_is_refused_by_its_line(tmp_path):
    (tmp_path / ".env").write_text("ONE=1\nwhatever\n")

    with pytest.raises(ImproperlyConfigured, match="line 2, is not NAME=value"):
        Environment.load(tmp_path / ".env")


def test_a_nonsensical_setting_ends_any_command_with_a_sentence_and_code_2(tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=CHECKOUT,
        env={**os.environ, "FACEADMIN_DATA": str(tmp_path), "FACEADMIN_PORT": "high"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        "FACEADMIN_PORT has to be a whole number from 1 to 65535, not 'high'."
    )
