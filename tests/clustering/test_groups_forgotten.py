"""The signal that a run's groups are about to be removed."""

import pytest

from clustering.documents import Cluster
from clustering.pipeline.cleanup import remove_groups
from clustering.signals import groups_forgotten

pytestmark = pytest.mark.services


@pytest.fixture
def heard():
    """Note which run was forgotten, and whether its groups were still there then."""
    notes = []

    def note(run_id, **_):
        there = Cluster.objects(id=Cluster.id_for(run_id, "cluster_0")).first() is not None
        notes.append((run_id, there))

    groups_forgotten.connect(note)
    yield notes
    groups_forgotten.disconnect(note)


def test_it_is_sent_while_the_groups_of_an_old_run_are_still_there(painted, heard):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    first = painted.run()
    heard.clear()

    painted.run(runs_kept=1, full=True)

    assert (first.id, True) in heard
    assert Cluster.objects(id=Cluster.id_for(first.id, "cluster_0")).first() is None


def test_groups_that_another_run_shares_are_not_forgotten(painted, heard):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    first = painted.run()
    heard.clear()

    painted.run(runs_kept=1)

    assert first.id not in [run_id for run_id, _ in heard]


def test_a_listener_that_fails_leaves_the_groups_so_that_it_is_told_again(painted):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    run = painted.run()

    def fail(**_):
        raise ConnectionError

    groups_forgotten.connect(fail)
    try:
        with pytest.raises(ConnectionError):
            remove_groups(run.id)
    finally:
        groups_forgotten.disconnect(fail)

    assert Cluster.objects(id=Cluster.id_for(run.id, "cluster_0")).first() is not None
