"""Cursors: where a page of a list ends, opaque to the client and checked when it comes back."""

from __future__ import annotations

import base64
import binascii

from rest_framework.exceptions import ParseError


class BadCursor(ParseError):
    """A cursor that was not ours, or belongs to another list."""

    default_code = "bad_cursor"
    default_detail = "This cursor does not belong to this list; begin without one."


def encode_cursor(place: str) -> str:
    """Return the place a page ends at as something to put into an address."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, within: str) -> str:
    """Return the place to go on from, "" without a cursor; it has to lie in the list asked for."""
    if not cursor:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (UnicodeError, binascii.Error) as error:
        raise BadCursor from error
    if not place.startswith(within) or "\x00" in place:
        raise BadCursor
    return place
