"""Format version of the data folder: newer code migrates it, older code refuses it.

The first line of the file ``format`` in the data folder is a whole number; later versions may add
lines. A folder without the file was written before formats were numbered, and has format 0.
``check_data_format`` runs when the settings are read, so no command changes a folder that it does
not know; ``migrate_data`` runs in the preparation, while no other process works on the folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FILE = "format"


def adopt_unnumbered_folder(_folder: Path) -> None:
    """Migrate 0 to 1: nothing changes but the number; stored names and files stay as they were."""


MIGRATIONS: Mapping[int, Callable[[Path], None]] = {0: adopt_unnumbered_folder}  # by old format
CURRENT = max(MIGRATIONS) + 1


def read_data_format(folder: Path) -> int:
    """Return the format of a data folder, 0 without a number; raise ImproperlyConfigured."""
    file = folder / FILE
    try:
        text = file.read_text(encoding="ascii").partition("\n")[0].strip()
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"The format of the data folder cannot be read from {file}: {error}."
        ) from error
    if not text.isdecimal():
        raise ImproperlyConfigured(
            f"{file} has to hold the format of the data folder, a whole number; "
            "restore the file from a backup."
        )
    return int(text)


def check_data_format(folder: Path) -> None:
    """Raise ImproperlyConfigured if a newer version of faceadmin wrote the data folder."""
    found = read_data_format(folder)
    if found > CURRENT:
        raise ImproperlyConfigured(
            f"The data folder {folder} has format {found}, written by a newer version of "
            f"faceadmin; this version knows formats up to {CURRENT}. Nothing was changed. Update "
            "faceadmin, or restore a backup made before the update."
        )


def migrate_data(folder: Path) -> None:
    """Bring a data folder to the current format, one step at a time; a finished step is recorded.

    A step that is interrupted is repeated at the next start, so each has to be safe to repeat.
    """
    for old in range(read_data_format(folder), CURRENT):
        MIGRATIONS[old](folder)
        _write_format(folder, old + 1)


def _write_format(folder: Path, number: int) -> None:
    scratch = folder / f".{FILE}.{os.getpid()}"
    with scratch.open("w", encoding="ascii") as file:
        file.write(f"{number}\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(folder / FILE)
