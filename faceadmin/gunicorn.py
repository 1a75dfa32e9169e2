"""The configuration that operators pass to the web server: `python:faceadmin.gunicorn`."""

from faceadmin.runtime.gunicorn_conf import *  # noqa: F403 - gunicorn reads this module's names
from faceadmin.runtime.gunicorn_conf import post_worker_init as post_worker_init
