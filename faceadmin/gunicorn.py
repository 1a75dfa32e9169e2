"""The web server's own settings: threads, because views wait for stores most of the time."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceadmin.settings")

from django.conf import settings

from faceadmin.tied import forks_tie

_HOST = (
    f"[{settings.FACEADMIN_HOST}]" if ":" in settings.FACEADMIN_HOST else settings.FACEADMIN_HOST
)
bind = f"{_HOST}:{settings.FACEADMIN_PORT}"
worker_class = "faceadmin.http_worker.Worker"
workers = 2
threads = 8
limit_request_line = 8190
timeout = 120
graceful_timeout = 3
accesslog = None
loglevel = "warning"
control_socket_disable = True  # it would lie in the home folder, shared by all installations

forks_tie()
