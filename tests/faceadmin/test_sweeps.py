"""Sweeps: scheduled tasks that pick up unfinished work."""

from importlib import import_module
from pkgutil import walk_packages

import pytest
from django.apps import apps
from django.utils.module_loading import import_string
from django_q.models import Schedule

from clustering.decisions.cluster_stats import LARGE, MS_PER_FACE
from clustering.documents import Cluster
from clustering.selectors import get_cluster, list_members
from faceadmin.runtime.bootstrap import schedule_sweeps
from tests.clustering.conftest import Painted
from tests.clustering.deciding import Reviewed
from tests.stores import CHECKOUT

ADA, BOB = 10, 90
COLUMNS = 31  # faces that fit into a painted photo


def sweeps():
    """Return the paths of all functions called ``*_sweep`` in the tasks modules of our apps."""
    modules = [
        import_module(found.name)
        for app in apps.get_app_configs()
        if (CHECKOUT / app.name).is_dir()
        for found in walk_packages(app.module.__path__, f"{app.name}.")
        if found.name.rpartition(".")[2] == "tasks"
    ]
    return {
        f"{module.__name__}.{name}"
        for module in modules
        for name, function in vars(module).items()
        if name.endswith("_sweep")
        and not name.startswith("enqueue_")
        and getattr(function, "__module__", "") == module.__name__
    }


@pytest.fixture
def scheduled(db):
    schedule_sweeps()
    return {one.func: one for one in Schedule.objects.all()}


def test_every_sweep_is_scheduled_permanently_and_callable(scheduled):
    found = sweeps()

    assert {"clustering.tasks.runs_sweep", "profiles.imports.tasks.imports_sweep"} <= found
    assert found <= scheduled.keys()
    assert all(callable(import_string(path)) for path in scheduled)
    assert {(scheduled[one].minutes, scheduled[one].repeats) for one in found} == {(1, -1)}


def test_scheduling_again_keeps_one_of_each(scheduled):
    schedule_sweeps()

    assert Schedule.objects.count() == len(scheduled)


@pytest.fixture
def at_once(monkeypatch):
    """Run a task immediately when it is enqueued, resolved from its dotted path."""
    ran = []

    def run(path, *arguments, **_options):
        ran.append(path)
        import_string(path)(*arguments)

    monkeypatch.setattr("clustering.tasks.async_task", run)
    return ran


@pytest.fixture
def reviewed(stores, settings, tmp_path):
    """A collection with a cluster too large for its statistics to be updated per decision."""
    painted = Painted(tmp_path / "buckets")
    for number in range(LARGE // COLUMNS + 1):
        painted.paint(f"ada{number:02d}.png", *[ADA] * COLUMNS, shade=number)
    for number in range(3):
        painted.paint(f"bob{number}.png", BOB, shade=number)
    painted.run()
    return Reviewed(painted)


def run_scheduled(scheduled):
    """Run all scheduled sweeps once, as the queue does each minute."""
    for path in sweeps() & scheduled.keys():
        import_string(path)()


@pytest.mark.services
def test_scheduled_task_updates_a_large_cluster_after_a_decision(reviewed, scheduled, at_once):
    """Statistics of a large cluster are not updated again for a while, so a sweep must do it."""
    path, run = reviewed.painted.name.path, reviewed.run
    label = reviewed.label("ada00.png")
    assert get_cluster(run, label).face_count > LARGE
    task = import_string("clustering.tasks.projection_task")
    reviewed.decide("move", faces=(reviewed.face("bob0.png"),), to=label)
    task(path)
    described = get_cluster(run, label)
    reviewed.decide("move", faces=(reviewed.face("bob1.png"),), to=label)
    reviewed.decide("reject", faces=(described.covers[0],), cluster=label)
    task(path)
    assert get_cluster(run, label).needs_stats
    assert get_cluster(run, label).cohesion == described.cohesion

    rested = described.described_at - 2 * MS_PER_FACE * described.face_count
    Cluster.objects(id=described.id).update_one(set__described_at=rested)
    run_scheduled(scheduled)

    fresh = get_cluster(run, label)
    assert not fresh.needs_stats
    assert fresh.cohesion != described.cohesion
    assert described.covers[0] not in fresh.covers
    members = list_members(run, label, limit=1000)
    assert {one.face for one in members[-2:]} == {
        reviewed.face("bob0.png"),
        reviewed.face("bob1.png"),
    }
    assert [one.similarity for one in members] == sorted(
        (one.similarity for one in members), reverse=True
    )
    at_once.clear()
    run_scheduled(scheduled)
    assert at_once == []
