"""Find a person's id or name in texts, file names and bytes. Pure; used when a person is erased."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FILE_ENDING = r"(?i:\.(?:zip|jpe?g|jfif|png|webp|gif|bmp|tiff?|heic|heif|avif|json|csv|txt))+"


def mentions_id(text: str, user_id: str) -> bool:
    """Return whether a text contains an id as a separate token, or as a file name.

    ``ada`` is found in "ada has a profile" and in "ada.zip", not in the ids "ada.b" and "ada@home".
    """
    stated = re.escape(user_id)
    pattern = rf"(?<![\w.@-]){stated}(?:(?!\.?[\w@-])|{_FILE_ENDING}(?![\w@-]))"
    return re.search(pattern, text, re.ASCII) is not None


def mentions_word(text: str, words: Iterable[str]) -> bool:
    """Return whether a text contains one of the words, not adjacent to letters or digits.

    Case-insensitive. For file names and messages, where "Ada-2.zip" probably refers to ``ada``.
    """
    return any(word and _loose(word).search(text) is not None for word in words)


def masked(data: bytes, words: Iterable[str]) -> bytes:
    """Return the bytes with the words overwritten by asterisks; the length is unchanged."""
    for word in words:
        if word:
            pattern = re.compile(
                rb"(?<![A-Za-z0-9])" + re.escape(word.encode()) + rb"(?![A-Za-z0-9])"
            )
            data = pattern.sub(lambda found: b"*" * len(found.group()), data)
    return data


def _loose(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", re.IGNORECASE)
