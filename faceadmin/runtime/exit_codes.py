"""Exit of commands: one sentence on standard error and a documented exit code."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser

from clustering.errors import BadParameters, RunActive
from storage.errors import InvalidName, Missing, StorageError, Unavailable, unavailable_from
from vision.errors import VisionError


class Exit(IntEnum):
    """Exit codes of commands."""

    DONE = 0
    FAILED = 1
    NONSENSE = 2
    STORE_AWAY = 3
    RUNNING_ALREADY = 4
    NOT_FOUND = 5
    INTERRUPTED = 130  # the convention of shells: 128 + SIGINT


EXIT_CODES_HELP = (
    "Exit codes: 0 done, 1 failed, 2 arguments or settings make no sense, 3 a store is away, "
    "4 running already, 5 not found, 130 interrupted."
)


class CommandFailed(Exception):
    """Ends a command with a sentence; an empty one if everything was printed before."""

    def __init__(self, sentence: str = "", *, code: Exit = Exit.FAILED) -> None:
        super().__init__(sentence)
        self.code = code


_CODES: tuple[tuple[type[Exception], Exit], ...] = (
    (ImproperlyConfigured, Exit.NONSENSE),
    (InvalidName, Exit.NONSENSE),
    (BadParameters, Exit.NONSENSE),
    (RunActive, Exit.RUNNING_ALREADY),
    (Missing, Exit.NOT_FOUND),
    (Unavailable, Exit.STORE_AWAY),
    (StorageError, Exit.FAILED),
    (VisionError, Exit.FAILED),
)


def command_failure_from(error: BaseException) -> CommandFailed | None:
    """Translate an expected error into a CommandFailed; None for an unexpected one."""
    if isinstance(error, CommandFailed):
        return error
    if isinstance(error, KeyboardInterrupt):
        return CommandFailed("Interrupted.", code=Exit.INTERRUPTED)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return CommandFailed(str(error), code=code)
    away = unavailable_from(error)
    return CommandFailed(str(away), code=Exit.STORE_AWAY) if away else None


class ProductCommand(BaseCommand):
    """A command that ends with a sentence and an exit code; unexpected errors keep their traceback.

    Called from code it raises ``CommandFailed`` instead.
    """

    requires_system_checks: list[str] = []  # noqa: RUF012  # as Django declares it

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Append the exit codes to the help."""
        return super().create_parser(prog_name, subcommand, epilog=EXIT_CODES_HELP, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command and translate expected errors."""
        try:
            return super().execute(*args, **options)
        except BaseException as error:
            ended = command_failure_from(error)
            if ended is None or ended is error:
                raise
            raise ended from error

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command from the command line; print the sentence and exit."""
        try:
            super().run_from_argv(argv)
        except CommandFailed as ended:
            if str(ended):
                sys.stderr.write(f"{ended}\n")
            sys.exit(ended.code)
