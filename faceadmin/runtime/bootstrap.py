"""Preparation before anything starts: folders, tables, roles, models, the first admin."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connections
from django_q.models import Schedule

from faceadmin.runtime.data_format import migrate_data, read_data_format
from storage.errors import unavailable_from
from vision import ModelPair, select_models
from web.roles import Role

logger = logging.getLogger(__name__)

SWEEPS = {
    "runs_sweep": "clustering.tasks.runs_sweep",
    "decisions_sweep": "clustering.tasks.decisions_sweep",
    "imports_sweep": "profiles.imports.tasks.imports_sweep",
    "erasures_sweep": "review.tasks.erasures_sweep",
}
FIRST_ADMIN = "admin"
FOLDERS = ("logs", "models", "run")


@dataclass(frozen=True)
class PreparedInstallation:
    """The selected models; the first admin's password if the account was just created, else ""."""

    models: ModelPair
    password: str


def prepare(
    *, progress: Callable[[int, int], None], say: Callable[[str], None]
) -> PreparedInstallation:
    """Create what is missing and leave the rest unchanged; idempotent.

    ``say`` gets sentences about an update before anything can fail because of it.
    """
    for sentence in changed_settings():
        say(sentence)
    make_folders()
    migrate_data(settings.DATA)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    for role in Role:
        Group.objects.get_or_create(name=role.value)
    schedule_sweeps()
    models = select_models(settings.VISION, may_fetch=True, progress=progress)
    return PreparedInstallation(models, create_first_admin())


def changed_settings() -> tuple[str, ...]:
    """Return a sentence per setting that the file of settings gives another value than before.

    They are for the first start after the update, when the folder has no format yet, and never hold
    the value.
    """
    is_update = (settings.DATA / FOLDERS[0]).is_dir() and not read_data_format(settings.DATA)
    return tuple(
        f"The value of {name} in the settings file is read differently since this version, because "
        "of a comment, a quote, a backslash or a byte order mark in the file: check it."
        for name in (settings.CHANGED_SETTINGS if is_update else ())
    )


def make_folders() -> None:
    """Create the data folder and its direct subfolders."""
    settings.DATA.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        (settings.DATA / name).mkdir(exist_ok=True)
    settings.BUCKETS_ROOT.mkdir(parents=True, exist_ok=True)


def schedule_sweeps() -> None:
    """Schedule the sweeps for interrupted runs and imports, every minute."""
    for name, func in SWEEPS.items():
        Schedule.objects.update_or_create(
            name=name,
            defaults={
                "func": func,
                "schedule_type": Schedule.MINUTES,
                "minutes": 1,
                "repeats": -1,
            },
        )


def create_first_admin() -> str:
    """Create the first account and return its password; "" if an admin exists."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists() or users.filter(username=FIRST_ADMIN).exists():
        return ""
    password = token_urlsafe(12)
    users.create_superuser(FIRST_ADMIN, password=password)
    return password


def replay_erasures() -> None:
    """Erase people again who came back with restored stores, before any work begins.

    A failure does not keep the product from starting: the sweep repeats the comparison.
    """
    from review.people.replay_erasures import sweep_erasures

    try:
        sweep_erasures()
    except Exception as error:
        away = unavailable_from(error)
        if away is None:
            logger.exception("Erasures cannot be compared with the stores; trying again later.")
        else:
            logger.warning("Erasures are compared with the stores later: %s", away)
    connections.close_all()


def check_servers() -> None:
    """Raise Unavailable unless the external stores respond."""
    from storage.mongo import ping_mongo
    from storage.vectors import face_vector_store

    if not settings.MONGODB_EMBEDDED:
        ping_mongo()
    if not settings.QDRANT_EMBEDDED:
        face_vector_store().ping()
