"""Errors of the reviewer's pages and API."""

from __future__ import annotations

from storage.errors import Refused


class NoSuchName(Refused):
    """No profile has this id or name."""

    code = "nobody_called"


class AmbiguousName(Refused):
    """Several profiles have this name; use an id instead."""

    code = "several_called"


class SameProfile(Refused):
    """A profile cannot be merged with itself."""

    code = "same_profile"
