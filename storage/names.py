"""Names of buckets, collections and object keys: validation with a reason."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from storage.errors import InvalidName

MAX_KEY_BYTES = 1024  # S3's limit for a key, in UTF-8

# Wider than S3's rule (lower case, 3 to 63), so that folder names can be used as buckets.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_INVISIBLE = {"Cc", "Cs"}  # control characters, lone surrogates


@dataclass(frozen=True, order=True)
class CollectionName:
    """A bucket and a prefix in it, written ``bucket/sub``."""

    bucket: str
    sub: str

    def __post_init__(self) -> None:
        check_bucket_name(self.bucket)
        _check_sub(self.sub)

    @classmethod
    def parse(cls, path: str) -> CollectionName:
        """Parse ``bucket/sub``, with or without a trailing slash; raise InvalidName."""
        bucket, slash, sub = path.removesuffix("/").partition("/")
        if not slash:
            raise InvalidName(f"'{_shown(path)}' is not a collection; write it as bucket/sub.")
        return cls(bucket=bucket, sub=sub)

    @property
    def path(self) -> str:
        """Return ``bucket/sub``."""
        return f"{self.bucket}/{self.sub}"

    @property
    def prefix(self) -> str:
        """Return the prefix of the keys of the collection's objects."""
        return f"{self.sub}/"

    def __str__(self) -> str:
        return self.path


def check_bucket_name(name: str) -> None:
    """Raise InvalidName unless the name is valid for a bucket."""
    if not _BUCKET.fullmatch(name) or ".." in name:
        raise InvalidName(
            f"'{_shown(name)}' cannot be a bucket: a bucket's name has 1 to 63 letters, digits, "
            "dots, hyphens and underscores, begins with a letter or digit and has no '..'."
        )


def _check_sub(sub: str) -> None:
    problem = _problem(sub)
    if problem:
        raise InvalidName(f"'{_shown(sub)}' cannot be a collection of a bucket: {problem}.")


def _problem(sub: str) -> str:
    segments = sub.split("/")
    if "" in segments:
        return "it has an empty part between slashes"
    if "." in segments or ".." in segments:
        return "it must not climb with '.' or '..'"
    if "\\" in sub:
        return "it has a backslash"
    if any(unicodedata.category(letter) in _INVISIBLE for letter in sub):
        return "it has a control character"
    if len(sub.encode()) > MAX_KEY_BYTES - 1:
        return f"it is longer than {MAX_KEY_BYTES - 1} bytes"
    return ""


def _shown(name: str) -> str:
    """Return the name for an error message: truncated, without control characters."""
    plain = "".join(c if unicodedata.category(c) not in _INVISIBLE else "\ufffd" for c in name)
    return plain if len(plain) <= 80 else f"{plain[:79]}…"
