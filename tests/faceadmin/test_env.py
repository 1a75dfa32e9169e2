"""Settings are typed; invalid values are rejected with a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from faceadmin.env import Environment

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def environment(monkeypatch):
    """Return an environment with some variables."""

    def environment(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return Environment()

    return environment


@pytest.mark.parametrize("nonsense", ["many", "0", "65536", "8000.5", "NaN"])
def test_a_port_is_a_whole_number_in_its_range(environment, nonsense):
    env = environment(FACEADMIN_PORT=nonsense)

    with pytest.raises(
        ImproperlyConfigured, match=r"FACEADMIN_PORT has to be a whole number from 1"
    ):
        env.integer("FACEADMIN_PORT", 8000, low=1, high=65535)


@pytest.mark.parametrize("nonsense", ["nan", "inf", "-0.1", "half"])
def test_a_number_lies_in_its_range(environment, nonsense):
    with pytest.raises(ImproperlyConfigured, match=r"from 0 to 1, not"):
        environment(X=nonsense).number("X", 0.5, low=0, high=1)


def test_a_flag_is_yes_or_no(environment):
    assert environment(X="On").flag("X", default=False) is True
    assert environment(X="no").flag("X", default=True) is False
    assert environment(X="").flag("X", default=True) is True
    with pytest.raises(ImproperlyConfigured, match="yes or no"):
        environment(X="perhaps").flag("X", default=False)


def test_a_choice_is_one_of_its_words(environment):
    with pytest.raises(ImproperlyConfigured, match="one of orm, mongodb, not 'redis'"):
        environment(X="redis").choice("X", "orm", among=("orm", "mongodb"))


def test_surrounding_space_is_no_part_of_a_value(environment):
    env = environment(X=" orm ", Y=" 8 ", Z=" on ")

    assert env.choice("X", "", among=("orm",)) == env.word("X", "") == env.text("X") == "orm"
    assert env.integer("Y", 1, low=1, high=9) == env.number("Y", 1, low=1, high=9) == 8
    assert env.flag("Z", default=False) is True


def test_patterns_are_separated_by_commas(environment):
    env = environment(X=" *.lrdata, @thumb ,[Cc]ache?,, ")

    assert env.patterns("X") == ("*.lrdata", "@thumb", "[Cc]ache?")
    assert env.patterns("Y") == ()


@pytest.mark.parametrize("nonsense", ["*", "**", "?*", "a/b", "a\\b", "[ab", "ab[", "ok,*"])
def test_a_pattern_that_matches_no_name_or_every_name_is_refused(environment, nonsense):
    with pytest.raises(ImproperlyConfigured, match=r"^X has to be names or patterns of names"):
        environment(X=nonsense).patterns("X")


@pytest.mark.parametrize("nonsense", ["mongo", "http://host", "mongodb:", "mongodb://[::1"])
def test_an_address_has_its_scheme_and_is_not_repeated(environment, nonsense):
    with pytest.raises(ImproperlyConfigured, match="begins with mongodb") as refusal:
        environment(X=nonsense).url("X", schemes=("mongodb",))

    assert f"'{nonsense}'" not in str(refusal.value)


@pytest.mark.parametrize(
    "nonsense", ["nginx", "10.0.0.5/8", "10.0.0", "1.2.3.4:80", "0.0.0.0/0", "*"]
)
def test_networks_are_addresses_and_networks_smaller_than_everything(environment, nonsense):
    env = environment(X=f"10.0.0.5, {nonsense}")

    with pytest.raises(ImproperlyConfigured, match=r"X has to be IP addresses or networks") as no:
        env.networks("X", words=("unix",))

    assert f"not '{nonsense}'" in str(no.value)


def test_networks_are_read_from_a_list(environment):
    env = environment(X="10.0.0.5, 192.168.7.0/24,fd00::/8, unix")

    assert env.networks("X", words=("unix",)) == ["10.0.0.5", "192.168.7.0/24", "fd00::/8", "unix"]
    assert env.networks("Y") == []


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
