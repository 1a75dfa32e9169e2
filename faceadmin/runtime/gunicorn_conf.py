"""The web server's own settings: threads, because views wait for stores most of the time."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceadmin.settings")

from django.conf import settings
from django.urls import get_resolver

from faceadmin.runtime.parent_death import tie_forks_to_parent

_HOST = (
    f"[{settings.FACEADMIN_HOST}]" if ":" in settings.FACEADMIN_HOST else settings.FACEADMIN_HOST
)
bind = f"{_HOST}:{settings.FACEADMIN_PORT}"
worker_class = "faceadmin.runtime.gunicorn_worker.Worker"
workers = 2
threads = 8
limit_request_line = 8190
timeout = 120
graceful_timeout = 3
accesslog = None
loglevel = "warning"
control_socket_disable = True  # it would lie in the home folder, shared by all installations

# Proxies are trusted by TRUSTED_PROXIES alone (web/proxies.py), so gunicorn believes no header.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

tie_forks_to_parent()


def post_worker_init(_worker: object) -> None:
    """Read all pages' code before the first request, and leave it out of garbage collections.

    A full one looks at some 220,000 objects that stay, and held every answer up for 140 ms.
    """
    get_resolver().url_patterns  # noqa: B018 - reading it imports them
    gc.collect()
    gc.freeze()
