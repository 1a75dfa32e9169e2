"""Read typed settings from the environment once; reject invalid values with a sentence.

The only reader of the settings' environment variables; environs parses the values. The environment
takes precedence over the ``.env`` file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError
from marshmallow.validate import OneOf, Range, Regexp

from faceadmin.env_file import EnvFile, read_env_file

T = TypeVar("T")
_NETWORKS = "IP addresses or networks such as 10.0.0.5,192.168.7.0/24,fd00::/8"


class _Variables(Env):
    """The variables of the process, then those of a file, without surrounding space.

    ``Env.read_env`` would replace ``${X}`` in values. The file's values are not written to
    ``os.environ``: child processes read the file themselves.
    """

    def __init__(self, file_values: Mapping[str, str]) -> None:
        super().__init__()
        self._file_values = file_values

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = os.environ.get(env_key, self._file_values.get(env_key))
        return default if value is None else value.strip()


class Environment:
    """Typed readers of environment variables.

    ``names`` collects the names that were read; ``changed`` has the names of settings whose line in
    the ``.env`` file meant something else to earlier versions.
    """

    def __init__(self, file: EnvFile | None = None) -> None:
        file = file or EnvFile()
        self._env = _Variables(file.values)
        self.names: set[str] = set()
        self.changed = tuple(name for name in file.changed if name not in os.environ)

    @classmethod
    def load(cls, folder: Path) -> Environment:
        """Read the file ``.env`` in a folder if it exists, or the file that ``ENV_FILE`` names."""
        chosen = cls().text("ENV_FILE")
        file = folder / Path(chosen or ".env").expanduser()
        if chosen and not file.is_file():
            raise ImproperlyConfigured(f"ENV_FILE names {file}, which is not a file.")
        env = cls(read_env_file(file) if file.is_file() else None)
        env.names.add("ENV_FILE")
        return env

    def text(self, name: str, default: str = "") -> str:
        """Return a value without surrounding space; an empty value counts as not set."""
        self.names.add(name)
        return self._env.str(name, "") or default

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``, both included."""
        allowed = f"a number from {low:g} to {high:g}"
        return self._typed(self._env.float, name, default, allowed, Range(low, high))

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number between ``low`` and ``high``, both included."""
        allowed = f"a whole number from {low} to {high}"
        return self._typed(self._env.int, name, default, allowed, Range(low, high))

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        allowed = "1 or 0, true or false, yes or no, on or off"
        return self._typed(self._env.bool, name, default, allowed)

    def choice(self, name: str, default: str, *, among: tuple[str, ...]) -> str:
        """Return one of the allowed words."""
        allowed = f"one of {', '.join(among)}"
        return self._typed(self._env.str, name, default, allowed, OneOf(among))

    def word(self, name: str, default: str) -> str:
        """Return a name of letters, digits, hyphens and underscores."""
        allowed = "1 to 50 letters, digits, hyphens and underscores"
        return self._typed(self._env.str, name, default, allowed, Regexp(r"[A-Za-z0-9_-]{1,50}\Z"))

    def _typed(
        self,
        read: Callable[..., T],
        name: str,
        default: T,
        allowed: str,
        validate: Callable[[Any], Any] | None = None,
    ) -> T:
        value = self.text(name)
        if not value:
            return default
        try:
            return read(name, validate=validate)
        except EnvError as error:
            raise _nonsense(name, value, allowed) from error

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


def _is_pattern(text: str) -> bool:
    """Say whether a text can match one part of a path, and not all of them."""
    brackets = re.sub(r"\[!?\]?[^\]]*\]", "", text)
    return text.strip("*?") != "" and not set("/\\") & set(text) and "[" not in brackets


def _nonsense(name: str, value: str, allowed: str) -> ImproperlyConfigured:
    was = f", not {value!r}" if value else ""
    return ImproperlyConfigured(f"{name} has to be {allowed}{was}.")
