"""Health checks: whether the process is alive, and whether everything it needs is available."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.brokers import get_broker
from django_q.status import Stat

from faceadmin.active_models import active_models
from faceadmin.runtime.cluster_activity import heartbeat_of
from storage.errors import StorageError, StoreUnavailable, unavailable_from
from storage.mongo import ping_mongo
from storage.pictures import face_crop_store
from storage.vectors import face_vector_store
from vision import ModelMissing
from web.errors import RETRY_AFTER_SECONDS

ABSENT_FACE_ID = "00000000-0000-5000-8000-000000000000"


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process is alive."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if stores, queue and models are available, else 503 with the state of each."""
    found = _check_all()
    is_ready = all(answer["ok"] for answer in found.values())
    response = JsonResponse({"ok": is_ready, **found}, status=200 if is_ready else 503)
    if not is_ready:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the state of each part as a gauge in Prometheus' text format."""
    lines = [
        "# HELP faceadmin_part_up Whether a part the product needs is there.",
        "# TYPE faceadmin_part_up gauge",
        *(
            f'faceadmin_part_up{{part="{name}"}} {one["ok"]:d}'
            for name, one in _check_all().items()
        ),
        "# HELP faceadmin_queue_heartbeat_age_seconds Since a group of workers ran its heartbeat.",
        "# TYPE faceadmin_queue_heartbeat_age_seconds gauge",
        *_heartbeat_ages(),
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _check_all() -> dict[str, dict[str, object]]:
    return {name: _check_part(check) for name, check in _CHECKS.items()}


def _check_part(check: Callable[[], str]) -> dict[str, object]:
    """Return the part's description, or its error as one sentence."""
    try:
        return {"ok": True, "detail": check()}
    except (StorageError, ModelMissing) as trouble:
        return {"ok": False, "detail": str(trouble)}
    except Exception as error:
        away = unavailable_from(error)
        if away is None:
            raise
        return {"ok": False, "detail": str(away)}


def _mongodb() -> str:
    ping_mongo()
    return "embedded" if settings.MONGODB_EMBEDDED else "server"


def _qdrant() -> str:
    face_vector_store().ping()
    return "embedded" if settings.QDRANT_EMBEDDED else "server"


def _queue() -> str:
    """Return the number of responsive workers; stalled clusters are restarted by their watch."""
    get_broker().queue_size()
    stats = Stat.get_all()
    stalled = {stat.key: _stalled_seconds(stat) for stat in stats}
    workers = sum(len(stat.workers) for stat in stats if not stalled[stat.key])
    longest = max(stalled.values(), default=0)
    if not workers and longest:
        raise StoreUnavailable(
            f"The queue's workers have not answered their heartbeat for {longest:.0f} s. They are "
            f"started again by themselves; tasks that wait are done then.",
            store="queue",
        )
    if not workers:
        raise StoreUnavailable("No worker takes tasks from the queue.", store="queue")
    return f"{workers} workers" + (
        f"; others have not answered for {longest:.0f} s" if longest else ""
    )


def _stalled_seconds(stat: Stat) -> float:
    """Return for how many seconds a cluster has stalled, 0 if its heartbeat is not overdue."""
    heartbeat = heartbeat_of(stat)
    return float(heartbeat["stalled"]) if heartbeat.get("is_overdue") else 0.0


def _heartbeat_ages() -> list[str]:
    try:
        ages = {
            f"{stat.host}:{stat.pid}": heartbeat["age"]
            for stat in Stat.get_all()
            if (heartbeat := heartbeat_of(stat))
        }
    except DatabaseError:
        return []  # the queue's part is down and says why
    return [
        f'faceadmin_queue_heartbeat_age_seconds{{cluster="{name}"}} {age:.1f}'
        for name, age in ages.items()
    ]


def _crops() -> str:
    face_crop_store().missing([ABSENT_FACE_ID])
    return "bucket" if settings.CROPS_BUCKET else "folder"


def _models() -> str:
    found = active_models()
    if found.pair is None:
        raise ModelMissing(found.trouble)
    return found.name


_CHECKS: dict[str, Callable[[], str]] = {
    "mongodb": _mongodb,
    "qdrant": _qdrant,
    "queue": _queue,
    "crops": _crops,
    "models": _models,
}
