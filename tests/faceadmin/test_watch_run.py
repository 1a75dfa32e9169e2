"""A run is followed from a terminal, also while the document store is away."""

import io
from datetime import UTC, datetime

import pytest

from clustering.documents import Run, RunState
from clustering.errors import NoSuchRun
from faceadmin.runtime.exit_codes import CommandFailed, Exit
from faceadmin.runtime.progress_bar import Progress
from faceadmin.runtime.watch_run import STORE_PATIENCE_S, _RunWatch, watch_run
from storage.mongo import register_mongo

RUN_ID = "0123456789abcdef01234567"
NOBODY_HERE = "mongodb://127.0.0.1:1/?directConnection=true&serverSelectionTimeoutMS=20"


def run_saved(**fields):
    now = datetime.now(UTC)
    values = {
        "id": RUN_ID,
        "collection": "faces/some",
        "sort_key": "faces/some\tx",
        "eps": 0.3,
        "min_samples": 2,
        "algorithm": "dbscan",
        "batch_size": 30,
        "max_concurrent": 2,
        "detector": "d",
        "embedder": "e",
        "model": "d+e",
        "dimension": 2,
        "created_at": now,
        "heartbeat": now,
        "listed": 4,
        "todo": 4,
    }
    return Run(**{**values, **fields}).save()


@pytest.fixture
def said():
    return io.StringIO()


@pytest.fixture
def watch(said):
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return _RunWatch(Progress("Photos", file=said), clock=Clock())


@pytest.mark.services
@pytest.mark.usefixtures("mongodb")
class TestStored:
    def test_a_finished_run_is_returned(self, capsys):
        run_saved(state=RunState.FINISHED, done=4)

        assert watch_run(RUN_ID).id == RUN_ID
        assert "Photos: 4 photos of 4 photos, 100 %" in capsys.readouterr().err

    def test_a_failed_run_ends_with_its_reason(self):
        run_saved(state=RunState.FAILED, failure="The bucket is gone.")

        with pytest.raises(
            CommandFailed, match=rf"The run {RUN_ID} failed: The bucket is gone\."
        ) as ended:
            watch_run(RUN_ID)

        assert ended.value.code == Exit.FAILED

    def test_a_cancelled_run_says_so(self):
        run_saved(state=RunState.CANCELLED)

        with pytest.raises(CommandFailed, match="was cancelled"):
            watch_run(RUN_ID)

    def test_it_says_once_what_a_run_waits_for(self, watch, said):
        run_saved(state=RunState.WORKING, waiting_for="The bucket store is away.")

        watch.look(RUN_ID)
        watch.look(RUN_ID)

        assert said.getvalue().count("Waiting: The bucket store is away.") == 1

    def test_a_run_that_never_was_is_not_found(self, watch):
        with pytest.raises(NoSuchRun):
            watch.look(RUN_ID)


@pytest.fixture
def store_away(settings):
    before = settings.MONGODB_URL
    settings.MONGODB_URL = NOBODY_HERE
    register_mongo()
    yield
    settings.MONGODB_URL = before
    register_mongo()


@pytest.mark.usefixtures("store_away")
def test_it_waits_for_the_store_and_gives_up_with_a_sentence(watch, said):
    assert watch.look(RUN_ID) is None
    watch.clock.now = STORE_PATIENCE_S
    assert watch.look(RUN_ID) is None
    watch.clock.now += 1
    with pytest.raises(CommandFailed, match="continues automatically when it is back") as ended:
        watch.look(RUN_ID)

    assert ended.value.code == Exit.STORE_AWAY
    assert said.getvalue().count("Waiting: There is no answer from the document store") == 1
