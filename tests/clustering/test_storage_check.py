"""Verification names what differs between the stores; repair puts it right."""

import numpy as np
import pytest

from clustering.documents import Cluster
from clustering.selectors import iter_members
from clustering.storage_check import compare_stores
from clustering.storage_repair import repair_stores
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

ORPHAN = "00000000-0000-5000-8000-000000000000"


@pytest.fixture
def finished(painted):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
    return painted.run()


def report(painted, run):
    return compare_stores(
        run,
        vectors=painted.vectors,
        crops=painted.crops,
        models={painted.engine.embedder_id: painted.engine.dimension},
    )


def repair(painted, run):
    return repair_stores(run, report(painted, run), context=painted.context(), check=lambda: None)


def test_a_finished_run_is_consistent(painted, finished):
    found = report(painted, finished)

    assert found.is_consistent
    assert (found.faces, found.vectors, found.matching) == (3, 3, 3)
    assert found.clusters == {"cluster_0": 3}


def test_a_missing_vector_is_recomputed_from_the_photo(painted, finished):
    face = next(iter(iter_members(finished))).face
    before = painted.vectors.retrieve("painted-vectors", [face])[face]
    painted.vectors.delete("painted-vectors", [face])
    assert report(painted, finished).mongodb_only == [face]

    done = repair(painted, finished)

    assert done.faces_recomputed == 1
    assert report(painted, finished).is_consistent
    after = painted.vectors.retrieve("painted-vectors", [face])[face]
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_vector_without_a_face_is_removed(painted, finished):
    payload = {"collection": painted.name.path, "key": "", "run": "", "cluster": "", "verdict": ""}
    vector = np.ones((1, painted.engine.dimension), np.float32)
    painted.vectors.upsert("painted-vectors", [ORPHAN], vector, [payload])
    assert report(painted, finished).orphans == [ORPHAN]

    done = repair(painted, finished)

    assert done.vectors_removed == 1
    assert report(painted, finished).is_consistent


def test_a_missing_crop_is_cut_again(painted, finished):
    face = next(iter(iter_members(finished))).face
    painted.crops.delete([face])
    assert report(painted, finished).missing_crops == [face]

    repair(painted, finished)

    assert report(painted, finished).is_consistent


def test_a_wrong_cluster_in_the_vector_store_is_rewritten(painted, finished):
    face = next(iter(iter_members(finished))).face
    painted.vectors.set_payload("painted-vectors", [face], {"cluster": "cluster_7"})
    assert report(painted, finished).wrong_cluster == [face]

    repair(painted, finished)

    assert report(painted, finished).is_consistent


def test_a_cluster_whose_covers_are_not_computed_yet_is_consistent(painted, finished):
    painted.paint("q.png", 2)
    run = painted.run()
    reviewed = Reviewed(painted)
    reviewed.decide("not_a_face", faces=(reviewed.face("q.png"),), cluster="noise")
    Cluster.objects(run=run.clusters_run, label="noise").update(unset__covers=True)

    found = report(painted, run)

    assert found.wrong_clusters == []
    assert found.is_consistent
