"""Exit codes per kind of error; expected errors are one sentence."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, load_command_class
from pymongo.errors import ServerSelectionTimeoutError

from clustering.errors import BadParameters, EmptyCollection, NoSuchRun, RunActive
from faceadmin.runtime.exit_codes import (
    EXIT_CODES_HELP,
    CommandFailed,
    Exit,
    ProductCommand,
    command_failure_from,
)
from storage.errors import InvalidName, ModelMismatch, NoSuchBucket, store_unavailable
from vision.errors import ModelMissing


class Command(ProductCommand):
    """A command that ends with a given result."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def handle(self, *_args, **_options):
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandFailed("x"), 1),
        (ModelMissing("x"), 1),
        (ModelMismatch("x"), 1),
        (ImproperlyConfigured("x"), 2),
        (InvalidName("x"), 2),
        (BadParameters("x"), 2),
        (store_unavailable("qdrant"), 3),
        (ServerSelectionTimeoutError("x"), 3),
        (RunActive("x", clustering_id="1"), 4),
        (NoSuchBucket("x"), 5),
        (EmptyCollection("x"), 5),
        (NoSuchRun("x"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_foreseen_error_is_a_sentence_and_a_code(error, code, capsys):
    with pytest.raises(SystemExit) as ended:
        Command(error).run_from_argv(["manage.py", "command"])

    assert ended.value.code == code
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_an_unexpected_error_keeps_its_traceback():
    assert command_failure_from(ZeroDivisionError()) is None
    with pytest.raises(ZeroDivisionError):
        Command(ZeroDivisionError()).run_from_argv(["manage.py", "command"])


def test_code_that_calls_a_command_gets_the_ending():
    with pytest.raises(CommandFailed) as ended:
        call_command(Command(NoSuchBucket("No bucket.")))

    assert (str(ended.value), ended.value.code) == ("No bucket.", Exit.NOT_FOUND)


@pytest.mark.parametrize("name", ["up", "prepare", "models", "create_key", "demo"])
def test_the_help_of_a_command_says_what_its_exit_codes_mean(name):
    parser = load_command_class("faceadmin", name).create_parser("manage.py", name)

    assert "3 a store is away" in " ".join(parser.format_help().split())


def test_every_exit_code_is_told():
    for code in Exit:
        assert f" {code} " in EXIT_CODES_HELP
