"""Read typed settings from the environment once; reject invalid values with a sentence.

The only module that reads ``os.environ`` and the ``.env`` file beside ``manage.py``, whose lines
are ``NAME=value``. The environment takes precedence over the file.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
_NETWORKS = "IP addresses or networks such as 10.0.0.5,192.168.7.0/24,fd00::/8"


class Environment:
    """Typed readers over a mapping of strings; ``names`` collects the names that were read."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    @classmethod
    def load(cls, file: Path) -> Environment:
        """Read the process's environment, with the values of a file as defaults if it exists."""
        return cls({**_file_values(file), **os.environ})

    def text(self, name: str, default: str = "") -> str:
        """Return a value without surrounding space; an empty value counts as not set."""
        self.names.add(name)
        return self._values.get(name, "").strip() or default

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``, both included."""
        value = self.text(name)
        try:
            number = float(value or default)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise _nonsense(name, value, f"a number from {low:g} to {high:g}")
        return number

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number between ``low`` and ``high``, both included."""
        value = self.text(name)
        try:
            number = int(value or default)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise _nonsense(name, value, f"a whole number from {low} to {high}")
        return number

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self.text(name).lower()
        if value and value not in TRUE | FALSE:
            raise _nonsense(name, value, "1 or 0, true or false, yes or no, on or off")
        return value in TRUE if value else default

    def choice(self, name: str, default: str, *, among: tuple[str, ...]) -> str:
        """Return one of the allowed words."""
        value = self.text(name, default)
        if value not in among:
            raise _nonsense(name, value, f"one of {', '.join(among)}")
        return value

    def word(self, name: str, default: str) -> str:
        """Return a name of letters, digits, hyphens and underscores."""
        value = self.text(name, default)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,50}", value):
            raise _nonsense(name, value, "1 to 50 letters, digits, hyphens and underscores")
        return value

    def folder(self, name: str, default: Path) -> Path:
        """Return the path of a folder, which need not exist yet."""
        value = self.path(name, default)
        if value.exists() and not value.is_dir():
            raise _nonsense(name, str(value), "a folder")
        return value

    def path(self, name: str, default: Path) -> Path:
        """Return an absolute path."""
        value = self.text(name)
        return Path(value).expanduser().absolute() if value else default

    def paths(self, name: str) -> tuple[Path, ...]:
        """Return a list of paths, separated as in PATH."""
        parts = self.text(name).split(os.pathsep)
        return tuple(Path(part).expanduser().absolute() for part in parts if part)

    def words(self, name: str, default: str) -> list[str]:
        """Return a list of words separated by commas."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def networks(self, name: str, *, words: tuple[str, ...] = ()) -> list[str]:
        """Return a list of IP addresses and networks, or words that stand for such."""
        given = self.words(name, "")
        for one in given:
            try:
                is_everything = one not in words and not ip_network(one).prefixlen
            except ValueError as error:
                raise _nonsense(name, one, _NETWORKS) from error
            if is_everything:
                raise _nonsense(name, one, f"{_NETWORKS} smaller than the whole Internet")
        return given

    def patterns(self, name: str) -> tuple[str, ...]:
        """Return patterns of names, separated by commas, with *, ? and [letters]."""
        found = tuple(self.words(name, ""))
        for one in found:
            if not _is_pattern(one):
                allowed = "names or patterns of names, such as *.lrdata, separated by commas"
                raise _nonsense(name, one, f"{allowed}; none with a slash or for every name")
        return found

    def url(self, name: str, default: str = "", *, schemes: tuple[str, ...]) -> str:
        """Return a URL with one of the schemes, "" if it is not set."""
        value = self.text(name, default)
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            scheme = parts.scheme if parts.netloc or parts.path.startswith("/") else ""
        except ValueError:
            scheme = ""
        if scheme not in schemes:
            # The value may contain a password, so the message does not repeat it.
            raise _nonsense(name, "", f"an address that begins with {', '.join(schemes)} and ://")
        return value


def _file_values(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    values: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals:
            raise ImproperlyConfigured(f"{file}, line {number}, is not NAME=value.")
        values[name.strip()] = value.strip().strip("'\"")
    return values


def _is_pattern(text: str) -> bool:
    """Say whether a text can match one part of a path, and not all of them."""
    brackets = re.sub(r"\[!?\]?[^\]]*\]", "", text)
    return text.strip("*?") != "" and not set("/\\") & set(text) and "[" not in brackets


def _nonsense(name: str, value: str, allowed: str) -> ImproperlyConfigured:
    was = f", not {value!r}" if value else ""
    return ImproperlyConfigured(f"{name} has to be {allowed}{was}.")
