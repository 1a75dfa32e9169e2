"""Configuration of the web server: threads, because views mostly wait for stores."""

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
control_socket_disable = True  # its default path is in the home folder, shared by all installations

# Proxies are trusted by TRUSTED_PROXIES alone (web/proxies.py), so gunicorn believes no header.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

tie_forks_to_parent()


def post_worker_init(_worker: object) -> None:
    """Import all views before the first request and exclude them from garbage collection.

    A full collection scans some 220,000 long-lived objects, and delayed every answer by 140 ms.
    """
    get_resolver().url_patterns  # noqa: B018 - reading it imports them
    gc.collect()
    gc.freeze()
