"""Names that are never users' photos: thumbnails, recycle bins, snapshots, hidden files.

The same rule applies to local buckets, S3 buckets and imports.
"""

from __future__ import annotations

import re
import unicodedata
from fnmatch import translate
from functools import lru_cache

from django.conf import settings

# Created by Synology, QNAP, NetApp, Windows and macOS, whose file systems ignore case.
_ANY_CASE = (
    *("@eadir", "@synoresource", "synofile_thumb_*", "synophoto_thumb_*", "@tmp", "@sharesnap"),
    *("#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@transcode", "@__thumb"),
    *("~snapshot", "$recycle.bin", "system volume information", "__macosx"),
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
)
# Linux's file systems, and the data folder of Nextcloud.
_THIS_CASE = ("lost+found", "files_trashbin", "files_versions", "appdata_oc*")


def is_ignored(path: str) -> bool:
    """Return whether a part of a path is hidden, or matches a system name or IGNORED_PATHS."""
    folder, _, name = path.rpartition("/")
    patterns = tuple(settings.IGNORED_PATHS)
    return _is_ignored_name(name, patterns) or _is_ignored_folder(folder, patterns)


@lru_cache(maxsize=4096)
def _is_ignored_folder(folder: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a folder is ignored; cached, since listings check it for every file in it."""
    return any(_is_ignored_name(part, patterns) for part in folder.split("/"))


def _is_ignored_name(name: str, patterns: tuple[str, ...]) -> bool:
    if name.startswith(".") and name.strip("."):  # AppleDouble, trash, caches, `.@__thumb`
        return True
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    any_case, this_case = _compiled(patterns)
    return bool(any_case.match(name) or this_case.match(name))


@lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    configured = [unicodedata.normalize("NFC", one) for one in patterns]
    return (
        re.compile("|".join(map(translate, _ANY_CASE)), re.IGNORECASE),
        re.compile("|".join(map(translate, [*_THIS_CASE, *configured]))),
    )
