"""The secret key that signs sessions: generated once per installation, kept in its data folder."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_urlsafe

from django.core.exceptions import ImproperlyConfigured


def secret_key(file: Path) -> str:
    """Return the installation's secret key; the first caller writes it with mode 0600."""
    if file.is_file():
        return file.read_text()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f".{file.name}.{os.getpid()}")
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as new:
            new.write(token_urlsafe(50))
        try:
            os.link(scratch, file)  # fails if another process was first: its key is used then
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
        return file.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {file.parent} cannot be used ({error.strerror}); set FACEADMIN_DATA."
        ) from error
