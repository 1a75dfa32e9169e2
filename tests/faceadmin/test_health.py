"""Health: whether the process lives, and which part is not there."""

import pytest

from faceadmin import health
from storage.errors import StoreUnavailable

PARTS = {"mongodb", "qdrant", "queue", "crops", "models"}


@pytest.fixture
def parts(monkeypatch):
    """Let every part answer what the test says."""
    answers = dict.fromkeys(PARTS, lambda: "here")
    monkeypatch.setattr(health, "_QUESTIONS", answers)
    return answers


def away():
    raise StoreUnavailable("There is no answer from it.", store="qdrant")


def test_it_lives_without_any_store(client):
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_every_part_is_asked():
    assert health._QUESTIONS.keys() == PARTS


def test_it_is_ready_when_every_part_is_there(client, parts):
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["qdrant"] == {"ok": True, "detail": "here"}


def test_a_part_that_is_away_is_a_503_that_names_it(client, parts):
    parts["qdrant"] = away

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["qdrant"] == {"ok": False, "detail": "There is no answer from it."}
    assert answer.json()["mongodb"]["ok"] is True


def test_what_nobody_foresaw_is_not_called_ready(client, parts):
    def broken():
        raise RuntimeError

    parts["crops"] = broken
    client.raise_request_exception = False

    assert client.get("/health/ready").status_code == 500


def test_no_workers_means_that_the_queue_is_not_ready(db, client, monkeypatch):
    monkeypatch.setattr(health.Stat, "get_all", list)

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["queue"] == {
        "ok": False,
        "detail": "No worker takes tasks from the queue.",
    }


def test_metrics_are_lines_that_prometheus_reads(client, parts):
    parts["qdrant"] = away

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'faceadmin_part_up{part="qdrant"} 0' in answer.content.decode().splitlines()
    assert 'faceadmin_part_up{part="mongodb"} 1' in answer.content.decode().splitlines()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_health_is_only_read(client, parts, path):
    assert client.post(path).status_code == 405
