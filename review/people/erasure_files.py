"""The files behind the stores, as an erasure has to leave them: no deleted content, no log lines.

Only files of this installation are reached: those of database servers are the operator's.
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


def forget_failures(user_id: str) -> int:
    """Remove the records of failed tasks that name a person; return how many."""
    named = _failures(user_id)
    Failure.objects.filter(pk__in=named).delete()
    return len(named)


def count_failures_left(user_id: str) -> int:
    """Return how many records of failed tasks name a person."""
    return len(_failures(user_id))


def flush_files() -> list[str]:
    """Remove deleted content from the databases' files; say of which that is not possible yet.

    Inside of a transaction the accounts' database is cleaned when that ends.
    """
    left = [] if _is_done("documents", _documents_flush) else ["document store"]
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):

        def flush() -> None:
            if not _is_done("accounts", _accounts_flush):
                left.append("accounts' database")

        transaction.on_commit(flush)
    return left


def _is_done(name: str, clean: Callable[[], bool]) -> bool:
    """Say whether a database's files are cleaned; a reason why not is in the log."""
    try:
        return clean()
    except Exception as error:  # noqa: BLE001 - whatever it is, the sweep tries again
        logger.warning("Files (%s) cannot be cleaned after an erasure: %s", name, error)
        return False


def _documents_flush() -> bool:
    file = vacuum_embedded_store()
    return file is None or truncate_wal(file)


def _accounts_flush() -> bool:
    file = Path(settings.DATABASES["default"]["NAME"])
    vacuum(file)
    return truncate_wal(file)


def _failures(user_id: str) -> list[str]:
    """Return the ids of the failed tasks whose traceback or arguments name a person."""
    return [
        task.pk
        for task in Failure.objects.all()
        if mentions_word(f"{task.result} {task.args} {task.kwargs}", [user_id])
    ]
