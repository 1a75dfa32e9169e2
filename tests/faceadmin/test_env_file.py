"""The file of settings: what its lines mean, what they meant before, and which file is read."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from faceadmin.env import Environment
from faceadmin.env_file import read_as_before, read_env_file
from tests.labelled import ROOT

# A line, its value, and its value before python-dotenv read it (None: the name was not seen).
CORPUS = [
    ("X=1", "1", "1"),
    ("  X=1  ", "1", "1"),
    ("X = 1", "1", "1"),
    ("export X=1", "1", "1"),
    ("X=", "", ""),
    ("export X = 1", "1", "1"),
    ("X=''", "", ""),
    ('X=""', "", ""),
    ("X=  # none", "", "# none"),
    ("X='1'", "1", "1"),
    ('X="1"', "1", "1"),
    ("X=' a b '", " a b ", " a b "),
    ("X=a b", "a b", "a b"),
    ("X=a=b=", "a=b=", "a=b="),
    ("X=abc#def", "abc#def", "abc#def"),
    ("X=#abc", "#abc", "#abc"),
    ("X=abc #def", "abc", "abc #def"),
    ("X='abc#def'", "abc#def", "abc#def"),
    ('X="abc #def"', "abc #def", "abc #def"),
    ("X=8000 # the port", "8000", "8000 # the port"),
    ("X='a # b' # c", "a # b", "a # b' # c"),
    ("X=$HOME", "$HOME", "$HOME"),
    ("X=p${HOME}w", "p${HOME}w", "p${HOME}w"),
    ('X="p${HOME}w"', "p${HOME}w", "p${HOME}w"),
    (r"X=a\nb", r"a\nb", r"a\nb"),
    (r"X='a\nb'", r"a\nb", r"a\nb"),
    (r'X="a\nb"', "a\nb", r"a\nb"),
    (r"X='it\'s'", "it's", r"it\'s"),
    (r'X="C:\photos"', r"C:\photos", r"C:\photos"),
    (r'X="\\nas"', r"\nas", r"\\nas"),
    (r"X=C:\photos", r"C:\photos", r"C:\photos"),
    ("X=it's", "it's", "it's"),
    ("X=*.lrdata,[Cc]ache", "*.lrdata,[Cc]ache", "*.lrdata,[Cc]ache"),
    ("X=mongodb://u:p%40ss@h:1/?a=b&c=d", *["mongodb://u:p%40ss@h:1/?a=b&c=d"] * 2),
    ("X=Übersicht", "Übersicht", "Übersicht"),
    ("X='Übersicht'", "Übersicht", "Übersicht"),
    ("X=1\r", "1", "1"),
    ("# one\r\n\r\nX=1\r\n", "1", "1"),
    ("X='1'\r\n# two\r\n", "1", "1"),
    ("X=1\nX=2", "2", "2"),
    ("# X=1\nX=2", "2", "2"),
    ("\ufeffX=1", "1", None),
]
PLAIN = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\\"'#")
UNREADABLE = ["X", "X='1", 'X="1', "X='a'b'", 'X="a" b', "=1"]


@pytest.fixture
def written(tmp_path):
    """Write a file of settings."""

    def written(text):
        file = tmp_path / ".env"
        file.write_bytes(text.encode())
        return file

    return written


@pytest.mark.parametrize(("text", "value", "before"), CORPUS)
def test_a_line_has_its_value_and_a_changed_meaning_is_known(written, text, value, before):
    read = read_env_file(written(text))

    assert read.values == {"X": value}
    assert read_as_before(text).get("X") == before
    is_changed = (before or "").strip() != value.strip()
    assert read.changed == (("X",) if is_changed else ())


def test_a_setting_that_a_quote_swallows_is_named_too(written):
    text = 'ONE="1\nTWO=2\nTHREE=3"\nFOUR=4\n'

    read = read_env_file(written(text))

    assert read.values == {"ONE": "1\nTWO=2\nTHREE=3", "FOUR": "4"}
    assert read.changed == ("ONE", "TWO", "THREE")


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_line_that_is_no_setting_is_refused_by_its_number(written, text):
    with pytest.raises(ImproperlyConfigured, match="line 3, is not NAME=value, or a quote") as no:
        read_env_file(written(f"ONE=1\n\n{text}\n"))

    assert "1'" not in str(no.value)  # it may be a password


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / ".env").write_bytes(b"X=\xff")

    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        read_env_file(tmp_path / ".env")


@given(st.text(PLAIN))
def test_values_without_quotes_blanks_and_comments_mean_what_they_meant(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("plain") / ".env"
    file.write_text(f"X={value}\n")

    read = read_env_file(file)

    assert read.values == {"X": value} == read_as_before(file.read_text())
    assert read.changed == ()


def test_the_environment_takes_precedence_over_the_file(written, tmp_path, monkeypatch):
    written("ONE=1\nTWO=2 # two\n")
    monkeypatch.delenv("ONE", raising=False)
    monkeypatch.setenv("TWO", "zwei")

    env = Environment.load(tmp_path)

    assert (env.text("ONE"), env.text("TWO"), env.changed) == ("1", "zwei", ())


def test_values_of_the_file_stay_out_of_the_environment_of_child_processes(written, tmp_path):
    written("ONE_SECRET=1\n")

    assert Environment.load(tmp_path).text("ONE_SECRET") == "1"
    assert "ONE_SECRET" not in os.environ


def test_another_file_is_chosen_by_its_name(written, tmp_path, monkeypatch):
    written("ONE=1\n")
    (tmp_path / ".env.dev").write_text("ONE=2\n")
    monkeypatch.setenv("ENV_FILE", ".env.dev")
    monkeypatch.delenv("ONE", raising=False)

    assert Environment.load(tmp_path).text("ONE") == "2"


def test_a_chosen_file_that_is_not_there_ends_any_command(tmp_path):
    chosen = tmp_path / "missing"

    ended = run("prepare", FACEADMIN_DATA=str(tmp_path / "data"), ENV_FILE=str(chosen))

    assert ended.returncode == 2
    assert ended.stderr == f"ENV_FILE names {chosen}, which is not a file.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.e2e
def test_a_changed_meaning_is_told_once_at_the_first_start_after_the_update(tmp_path, model_files):
    chosen, data = tmp_path / "settings", tmp_path / "data"
    chosen.write_text("QDRANT_API_KEY=secret # of the server\nFACEADMIN_PORT=8123\n")
    (data / "logs").mkdir(parents=True)  # as an earlier version left it, without a format
    settings = {"FACEADMIN_DATA": data, "ENV_FILE": chosen, "FACEADMIN_MODELS": model_files}

    first, second = run("prepare", **settings), run("prepare", **settings)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    told = [line for line in first.stdout.splitlines() if "is read differently" in line]
    assert len(told) == 1
    assert told[0].startswith("The value of QDRANT_API_KEY in the settings file")
    assert "secret" not in first.stdout + first.stderr
    assert "is read differently" not in second.stdout


@pytest.mark.e2e
def test_a_changed_meaning_is_told_before_the_preparation_fails(tmp_path):
    chosen, data = tmp_path / "settings", tmp_path / "data"
    chosen.write_text("DATABASE_URL=postgres://127.0.0.1:1/accounts # none answers there\n")
    (data / "logs").mkdir(parents=True)

    ended = run("prepare", FACEADMIN_DATA=data, ENV_FILE=chosen)

    assert ended.returncode == 3, ended.stderr
    assert ended.stdout.startswith("The value of DATABASE_URL in the settings file")


def run(command, **settings):
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", command],
        env={**os.environ, **{name: str(value) for name, value in settings.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
