"""Zips and folders of painted people, and imports of them without a queue."""

import io
import zipfile

from django.core.files.uploadedfile import SimpleUploadedFile

from profiles.imports.context import build_import_context, import_limits
from profiles.imports.documents import ImportedFile, ImportKind
from profiles.imports.run_import import import_step, start_import
from profiles.imports.selectors import get_import
from tests.profiles.painted import photo_of

ADDRESS = "/api/v1/profiles/import/"
IMPORTS = "/api/v1/profiles/imports/"


def zip_of(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def family(top=""):
    """Two people and what an import refuses; ten files that count."""
    return {
        f"{top}ada/1.png": photo_of(1),
        f"{top}ada/2.png": photo_of(1, shade=3),
        f"{top}ada/again.png": photo_of(1),
        f"{top}ada/notes.txt": b"not a photo",
        f"{top}ada/nobody.png": photo_of(),
        f"{top}ada/other.png": photo_of(9),
        f"{top}bob/1.png": photo_of(2),
        f"{top}bob/both.png": photo_of(1, 2),
        f"{top}eve/1.png": photo_of(1, shade=7),
        f"{top}what is this/1.png": photo_of(5),
        f"{top}ada/.DS_Store": b"",
    }


EXPECTED = {
    "ada/1.png": ("enrolled", ""),
    "ada/2.png": ("added", ""),
    "ada/again.png": ("known_already", ""),
    "ada/notes.txt": ("refused", "not_an_image"),
    "ada/nobody.png": ("refused", "no_face"),
    "ada/other.png": ("refused", "not_the_same_person"),
    "bob/1.png": ("enrolled", ""),
    "bob/both.png": ("refused", "several_faces"),
    "eve/1.png": ("refused", "looks_like_another"),
    "what is this/1.png": ("refused", "bad_user_id"),
}


def zip_started(files, **kind):
    file = SimpleUploadedFile("people.zip", zip_of(files), "application/zip")
    return start_import(
        ImportKind.ZIP, "people.zip", by="test", file=file, limits=import_limits(), **kind
    )


def folder_started(path, **kind):
    return start_import(ImportKind.FOLDER, path, by="test", limits=import_limits(), **kind)


def to_its_end(job):
    while import_step(job.id, build_import_context):
        pass
    return get_import(job.id)


def report(job, top=""):
    """Return outcome and code by path."""
    lines = [one for one in ImportedFile.objects() if one.sort_key.startswith(job.id)]
    return {one.path.removeprefix(top): (one.outcome.value, one.code) for one in lines}
