"""Cursors: the sort key where a page ends, opaque to clients and validated on return."""

from __future__ import annotations

import base64
import binascii

from rest_framework.exceptions import ParseError


class BadCursor(ParseError):
    """A cursor that is invalid or belongs to another list."""

    default_code = "bad_cursor"
    default_detail = "This cursor does not belong to this list; begin without one."


def encode_cursor(place: str) -> str:
    """Encode the sort key where a page ends for use in a URL."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, within: str) -> str:
    """Return the sort key of a cursor, "" without one; raise BadCursor unless it is ``within``."""
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
