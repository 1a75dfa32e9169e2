"""Remove a person from failed tasks, and deleted content from the databases' files.

Only files of this installation are cleaned; files of external database servers are not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django_q.models import Failure

from storage.mentions import mentions_word
from storage.mongo import vacuum_embedded_store
from storage.sqlite import truncate_wal, vacuum

logger = logging.getLogger(__name__)


def log_files() -> list[Path]:
    """Return the log files of this installation."""
    folders = (settings.DATA / "logs", settings.DATA / "mongodb")
    return sorted(file for folder in folders for file in folder.glob("*.log*"))


def forget_failures_naming(user_id: str) -> int:
    """Remove the records of failed tasks that name a person; return how many."""
    named = _failures_naming(user_id)
    Failure.objects.filter(pk__in=named).delete()
    return len(named)


def count_failures_left(user_id: str) -> int:
    """Return how many records of failed tasks name a person."""
    return len(_failures_naming(user_id))


def flush_files() -> list[str]:
    """Remove deleted content from the databases' files; return the databases that are busy.

    Inside a transaction, the accounts' database is cleaned after the commit.
    """
    left = [] if _try_clean("documents", _clean_documents) else ["document store"]
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):

        def flush() -> None:
            if not _try_clean("accounts", _clean_accounts):
                left.append("accounts' database")

        transaction.on_commit(flush)
    return left


def _try_clean(name: str, clean: Callable[[], bool]) -> bool:
    """Clean a database's files; False, with the reason in the log, if that is not possible now."""
    try:
        return clean()
    except Exception as error:  # noqa: BLE001 - logged; the sweep tries again
        logger.warning("Files (%s) cannot be cleaned after an erasure: %s", name, error)
        return False


def _clean_documents() -> bool:
    file = vacuum_embedded_store()
    return file is None or truncate_wal(file)


def _clean_accounts() -> bool:
    file = Path(settings.DATABASES["default"]["NAME"])
    vacuum(file)
    return truncate_wal(file)


def _failures_naming(user_id: str) -> list[str]:
    """Return the ids of the failed tasks whose traceback or arguments name a person."""
    return [
        task.pk
        for task in Failure.objects.all()
        if mentions_word(f"{task.result} {task.args} {task.kwargs}", [user_id])
    ]
