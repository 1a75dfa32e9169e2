"""Read a ``.env`` file, and compare with how versions before python-dotenv read it.

Values are literal: ``$`` and ``${X}`` are not replaced, so that a password keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import Binding, parse_stream


@dataclass(frozen=True)
class EnvFile:
    """The values of a file by name, and the names that an earlier version read differently."""

    values: dict[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


def read_env_file(file: Path) -> EnvFile:
    """Read a file; raise ImproperlyConfigured if it cannot be read or a line is not NAME=value."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"The settings file {file} cannot be read: {error}.") from error
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text.removeprefix("\ufeff"))):
        if binding.error or (binding.key is not None and binding.value is None):
            raise ImproperlyConfigured(
                f"{file}, line {_line(binding)}, is not NAME=value, or a quote in it is not closed."
            )
        if binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return EnvFile(values, _changed(values, read_as_before(text)))


def read_as_before(text: str) -> dict[str, str]:
    """Return the values as versions without a data format read them, one line each.

    Comments, escapes and a byte order mark were parts of a value or a name.
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("'\"")
    return values


def _changed(values: Mapping[str, str], before: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names that have another value than before, or have one only before or only now."""
    return tuple(
        name
        for name in {**values, **before}
        if name.isidentifier() and values.get(name, "").strip() != before.get(name, "").strip()
    )


def _line(binding: Binding) -> int:
    """Return the line of a binding, which begins with the blank lines before it."""
    string = binding.original.string
    blank = string[: len(string) - len(string.lstrip())]
    return binding.original.line + blank.count("\n")
