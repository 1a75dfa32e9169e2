"""Files by face id: crops of faces, reference photos of people, and graphs of candidate pairs.

Uses Django's storage API with the aliases ``crops`` and ``references``: folders or an S3 bucket.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from storage.errors import (
    InvalidName,
    ObjectVanished,
    StorageError,
    store_unavailable,
    unavailable_from,
)

_FACE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,127}", re.ASCII)
_REQUESTS_AT_ONCE = 8
_FEW = 16  # up to so many requests are faster in sequence than opening connections in threads


class PictureFolder(FileSystemStorage):  # type: ignore[misc]  # Django has no types
    """A folder with atomic writes: a file is complete or absent, also after a kill."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, allow_overwrite=True, **kwargs)

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                for part in content.chunks():
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())  # takes 0.4 ms; prevents empty files after a power cut
            Path(scratch).replace(target)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
        return name


class PictureStore:
    """Pictures by face id, in any Django storage.

    Raises InvalidName for an invalid id, Unavailable if the storage does not answer.
    """

    def __init__(self, storage: Storage, suffix: str = ".jpg") -> None:
        self._storage = storage
        self._suffix = suffix

    def save(self, face_id: str, picture: bytes) -> None:
        """Save the picture of a face; an existing one is replaced."""
        with _named_errors():
            name = picture_name(face_id, self._suffix)
            kept = self._storage.save(name, ContentFile(picture))
        if kept != name:
            raise StorageError("The storage of face crops renames files; let it overwrite them.")

    def read(self, face_id: str) -> bytes:
        """Return the picture of a face; raise ObjectVanished without one."""
        with _named_errors(), self._open(picture_name(face_id, self._suffix)) as file:
            return file.read()

    def delete(self, ids: Iterable[str]) -> None:
        """Remove pictures; missing ones are ignored."""
        with _named_errors():
            self._each(self._storage.delete, ids)

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Return the ids without a picture, in the given order."""
        wanted = list(ids)
        with _named_errors():
            there = self._each(self._storage.exists, wanted)
        return [face_id for face_id, found in zip(wanted, there, strict=True) if not found]

    def damaged(self, ids: Iterable[str], is_whole: Callable[[str, bytes], bool]) -> list[str]:
        """Return those of the ids whose picture is there and not whole, in the order given.

        ``is_whole`` gets an id and the bytes of its picture.
        """
        wanted = list(ids)

        def is_damaged(name: str) -> bool:
            try:
                with self._open(name) as file:
                    return not is_whole(PurePosixPath(name).stem, file.read())
            except FileNotFoundError:
                return False

        with _named_errors():
            found = self._each(is_damaged, wanted)
        return [face_id for face_id, damaged in zip(wanted, found, strict=True) if damaged]

    def _open(self, name: str) -> IO[bytes]:
        file: IO[bytes] = self._storage.open(name, "rb")
        return file

    def _each(self, action: Any, ids: Iterable[str]) -> Sequence[Any]:
        names = [picture_name(face_id, self._suffix) for face_id in ids]
        if isinstance(self._storage, FileSystemStorage) or len(names) <= _FEW:
            return [action(name) for name in names]
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as threads:
            return list(threads.map(action, names))


def face_crop_store() -> PictureStore:
    """Return the store of face crops (JPEG)."""
    return PictureStore(storages["crops"])


def reference_photo_store() -> PictureStore:
    """Return the store of reference photos, as they were uploaded."""
    return PictureStore(storages["references"], suffix=".photo")


def face_graph_store() -> PictureStore:
    """Return the store of cached candidate pairs, one file per collection."""
    return PictureStore(storages["crops"], suffix=".npz")


def picture_name(face_id: str, suffix: str = ".jpg") -> str:
    """Return the file name of a face's picture, in subfolders by the first letters of the id."""
    if not _FACE_ID.fullmatch(face_id):
        raise InvalidName(f"{face_id[:80]!r} cannot be the id of a face.")
    return f"{face_id[:2]}/{face_id[2:4]}/{face_id}{suffix}"


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise ObjectVanished(
            "The picture of this face is gone; repair its collection or profile."
        ) from error
    except (OSError, BotoCoreError, ClientError) as error:
        away = unavailable_from(error) or store_unavailable("crops")
        raise type(away)(str(away), store="crops") from error
