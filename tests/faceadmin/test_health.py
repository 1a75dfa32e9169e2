"""Health: whether the process runs, and which part is unavailable."""

import pytest

from faceadmin import health
from storage.errors import StoreUnavailable

PARTS = {"mongodb", "qdrant", "queue", "crops", "models"}


@pytest.fixture
def parts(monkeypatch):
    """Stub the result of every part."""
    answers = dict.fromkeys(PARTS, lambda: "here")
    monkeypatch.setattr(health, "_CHECKS", answers)
    return answers


def away():
    raise StoreUnavailable("There is no answer from it.", store="qdrant")


def test_live_check_needs_no_store(client):
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_ready_check_covers_every_part():
    assert health._CHECKS.keys() == PARTS


def test_ready_when_every_part_is_available(client, parts):
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["qdrant"] == {"ok": True, "detail": "here"}


def test_unavailable_part_answers_503_and_is_named(client, parts):
    parts["qdrant"] = away

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["qdrant"] == {"ok": False, "detail": "There is no answer from it."}
    assert answer.json()["mongodb"]["ok"] is True


def test_an_unexpected_error_is_not_ready(client, parts):
    def broken():
        raise RuntimeError

    parts["crops"] = broken
    client.raise_request_exception = False

    assert client.get("/health/ready").status_code == 500


def test_queue_without_workers_is_not_ready(db, client, monkeypatch):
    monkeypatch.setattr(health.Stat, "get_all", list)

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["queue"] == {
        "ok": False,
        "detail": "No worker takes tasks from the queue.",
    }


def test_metrics_are_in_prometheus_format(db, client, parts):
    parts["qdrant"] = away

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'faceadmin_part_up{part="qdrant"} 0' in answer.content.decode().splitlines()
    assert 'faceadmin_part_up{part="mongodb"} 1' in answer.content.decode().splitlines()


class Cluster:
    """Published status of a queue cluster."""

    key, cluster_id, host, pid = "key", "id", "host", 7

    def __init__(self, workers, **heartbeat):
        self.workers, self.heartbeat = workers, heartbeat


@pytest.fixture
def clusters(db, monkeypatch):
    """Replace the queue's clusters by those of the test."""
    some = []
    monkeypatch.setattr(health.Stat, "get_all", lambda: some)
    monkeypatch.setattr(health, "heartbeat_of", lambda stat: stat.heartbeat)
    return some


def test_workers_without_heartbeat_are_not_ready(client, clusters):
    clusters.append(Cluster([1, 2], age=44.0, stalled=40.0, is_overdue=True))

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["queue"]["ok"] is False
    assert "have not answered their heartbeat for 40 s" in answer.json()["queue"]["detail"]


def test_queue_is_ready_while_other_workers_respond(client, clusters):
    late, fine = Cluster([1, 2], age=44.0, stalled=40.0, is_overdue=True), Cluster([3], age=1.0)
    late.key = "late"
    clusters.extend([late, fine])

    queue = client.get("/health/ready").json()["queue"]

    assert queue == {"ok": True, "detail": "1 workers; others have not answered for 40 s"}


def test_metrics_have_the_age_of_each_heartbeat(client, clusters, parts):
    clusters.append(Cluster([1], age=12.34, stalled=0.0, is_overdue=False))

    lines = client.get("/metrics").content.decode().splitlines()

    assert 'faceadmin_queue_heartbeat_age_seconds{cluster="host:7"} 12.3' in lines


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_health_allows_only_safe_methods(client, parts, path):
    assert client.post(path).status_code == 405
