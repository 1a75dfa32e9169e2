"""Several workers at one run: only the owner of its lease ends it, and tasks do not multiply."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clustering import tasks
from clustering.documents import Collection, Run, RunState
from clustering.pipeline import group_run, step
from clustering.pipeline.batches import claim_batch
from clustering.pipeline.step import NextTask
from clustering.run_lifecycle import request_cancel
from clustering.selectors import get_run
from storage.leases import is_lease_live, take_lease

pytestmark = pytest.mark.services


@pytest.fixture
def queue(monkeypatch, settings, active_engine):
    """Return the tasks that are enqueued: (run, round)."""
    settings.FACEADMIN_WORKERS = 2
    enqueued = []
    monkeypatch.setattr(tasks, "async_task", lambda _path, *args, **_: enqueued.append(args))
    return enqueued


def advanced_to(painted, state):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    run = painted.start()
    while get_run(run.id).state != state:
        painted.advance(run)
    return get_run(run.id)


@pytest.mark.parametrize(
    ("while_it", "end", "is_current"),
    [
        ("_switch_current_run", RunState.FINISHED, True),
        ("write_payloads", RunState.FINISHED, True),
        ("group_faces", RunState.CANCELLED, False),
    ],
)
def test_cancel_is_left_to_the_worker_that_groups(painted, monkeypatch, while_it, end, is_current):
    run = advanced_to(painted, RunState.GROUPING)
    real, seen = getattr(group_run, while_it), []

    def cancel_meanwhile(*args, **named):
        request_cancel(get_run(run.id))
        seen.append(painted.advance(run))  # the task of the cancel, at another worker
        now = get_run(run.id)
        seen.append((now.state, is_lease_live(now)))
        return real(*args, **named)

    monkeypatch.setattr(group_run, while_it, cancel_meanwhile)
    painted.advance(run)

    assert seen == [NextTask.NOTHING, (RunState.GROUPING, True)]
    collection = Collection.objects(path=run.collection).first()
    assert (get_run(run.id).state, collection.active_run) == (end, "")
    assert (collection.current_run == run.id) == is_current


def test_cancel_after_a_kill_finishes_a_run_that_is_current_already(painted, monkeypatch):
    run = advanced_to(painted, RunState.GROUPING)
    with monkeypatch.context() as killed:
        killed.setattr(group_run, "write_payloads", _killed)
        with pytest.raises(KeyboardInterrupt):
            painted.advance(run)
    request_cancel(get_run(run.id))

    painted.advance(run)

    assert get_run(run.id).state == RunState.FINISHED


def _killed(*_args, **_named):
    raise KeyboardInterrupt


def test_failure_of_a_worker_that_lost_the_run_is_not_recorded(painted, monkeypatch):
    painted.paint("a.png", 1)
    run = painted.start()
    other = []

    def lose(*_args, **_named):
        Run.objects(id=run.id).update_one(set__lease_until=0)
        other.append(take_lease(get_run(run.id)))
        raise ValueError("late")

    monkeypatch.setattr(step, "list_bucket", lose)
    painted.advance(run)

    now = get_run(run.id)
    assert (now.state, now.lease_owner) == (RunState.LISTING, other[0].lease_owner)
    assert Collection.objects(path=run.collection).first().active_run == run.id


def test_failure_of_a_reader_does_not_end_a_run_that_is_grouped_by_another(painted, monkeypatch):
    run = advanced_to(painted, RunState.WORKING)

    def others_finish(run_id):
        Run.objects(id=run_id).update_one(set__state=RunState.GROUPING)
        raise ValueError("late")

    monkeypatch.setattr(step, "claim_batch", others_finish)

    assert painted.advance(run) == NextTask.NOTHING
    assert get_run(run.id).state == RunState.GROUPING


def test_sweep_enqueues_runs_without_a_worker_only(painted, queue):
    run = advanced_to(painted, RunState.GROUPING)
    Run.objects(id=run.id).update_one(set__heartbeat=timezone.now() - timedelta(minutes=1))
    leased = take_lease(get_run(run.id))

    assert tasks.runs_sweep() == 0
    assert tasks.runs_sweep(everything=True) == 0

    Run.objects(id=leased.id).update_one(set__lease_until=0)
    assert tasks.runs_sweep() == 1
    assert queue == [(run.id, 1), (run.id, 1)]


def test_tasks_of_a_run_do_not_multiply_by_sweeps(painted, queue):
    """Workers that are busy elsewhere let a run wait, and each sweep enqueues it again."""
    run = advanced_to(painted, RunState.WORKING)
    for _ in range(5):
        Run.objects(id=run.id).update_one(set__heartbeat=timezone.now() - timedelta(minutes=1))
        tasks.runs_sweep()
    waiting, queue[:] = list(queue), []

    batch = claim_batch(run.id)  # by a worker that is slow: the others wait for it
    outcomes = []
    for run_id, number in waiting[:-2]:
        outcomes.append(tasks.run_task(run_id, number))

    assert outcomes == ["outdated"] * 8
    assert queue == []
    batch.delete()
    assert [tasks.run_task(*args) for args in waiting[-2:]] == ["again", "nothing"]
    assert queue == [(run.id, 5)]


def test_sweep_enqueues_the_run_first_that_waited_longest(painted, queue):
    run, now = advanced_to(painted, RunState.WORKING), timezone.now()
    for name, minutes in [("a", 2), ("b", 9), ("c", 4)]:
        run.id, run.collection = name, f"faces/{name}"
        run.heartbeat = now - timedelta(minutes=minutes)
        run.save(force_insert=True)
        Collection(path=run.collection, bucket="faces", sub=name, active_run=name).save()

    assert tasks.runs_sweep() == 3

    assert [run_id for run_id, _ in queue[::2]] == ["b", "c", "a"]


def test_listing_of_a_worker_that_lost_the_run_enqueues_nothing(painted, monkeypatch):
    painted.paint("a.png", 1)
    run = painted.start()

    def lose(*_args, **_named):
        Run.objects(id=run.id).update_one(set__lease_until=0)
        take_lease(get_run(run.id))

    monkeypatch.setattr(step, "check_removals", lose)

    assert painted.advance(run) == NextTask.NOTHING
    assert get_run(run.id).state == RunState.LISTING


def test_task_enqueued_by_an_earlier_version_is_carried_out(painted, queue):
    run = advanced_to(painted, RunState.GROUPING)

    assert tasks.run_task(run.id) == "nothing"

    assert get_run(run.id).state == RunState.FINISHED
