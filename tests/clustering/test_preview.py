"""A preview shows what a run would change; it is applied or dropped."""

import pytest

from clustering.documents import Collection
from clustering.errors import NotAPreview, PreviewStale
from clustering.run_lifecycle import request_apply
from tests.clustering.deciding import Reviewed

ADA, BOB = 10, 90


@pytest.fixture
def reviewed(painted):
    for person, name, photos in ((ADA, "ada", 5), (BOB, "bob", 4)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


def current(painted):
    return Collection.objects(path=painted.name.path).first().current_run


def test_a_preview_changes_nothing_that_readers_see(reviewed, painted):
    before, shown = reviewed.projection(), current(painted)

    preview = reviewed.rerun(full=True, eps=1.9, preview=True)

    assert current(painted) == shown == preview.previewed_from
    assert reviewed.projection() == before
    assert preview.state == "finished"
    assert preview.changes["merged_clusters"] == 1
    assert preview.changes["moved_faces"] == 4


def test_an_applied_preview_holds_what_was_decided_since(reviewed, painted):
    preview = reviewed.rerun(full=True, eps=1.9, preview=True)
    face = reviewed.face("ada0.png")
    reviewed.decide("reject", faces=(face,), cluster="cluster_0")

    painted.finish(request_apply(reviewed.fresh(preview)))

    assert current(painted) == preview.id
    assert reviewed.label("ada0.png") == "noise"
    assert reviewed.label("ada1.png") == reviewed.label("bob1.png")


def test_a_preview_of_before_another_run_cannot_be_applied(reviewed, painted):
    preview = reviewed.rerun(full=True, eps=0.2, preview=True)
    reviewed.rerun(full=True)

    with pytest.raises(PreviewStale):
        request_apply(reviewed.fresh(preview))


def test_only_a_preview_can_be_applied(reviewed):
    with pytest.raises(NotAPreview):
        request_apply(reviewed.run)


def test_its_changes_are_read_and_it_is_applied_over_rest(
    reviewed, active_engine, reviewer, viewer
):
    preview = reviewed.rerun(full=True, eps=1.9, preview=True)

    changes = viewer.get(f"/api/v1/runs/{preview.id}/changes/").json()
    refused = viewer.post(f"/api/v1/runs/{preview.id}/apply/")
    applied = reviewer.post(f"/api/v1/runs/{preview.id}/apply/")
    again = reviewer.post(f"/api/v1/runs/{preview.id}/apply/")

    assert (changes["merged_clusters"], changes["moved_faces"]) == (1, 4)
    assert changes["broken_decisions"] == 0
    assert len(changes["faces"]) == 4
    assert {one["from_cluster_id"] for one in changes["faces"]} == {"cluster_1"}
    assert refused.status_code == 403
    assert applied.status_code == 202
    assert (again.status_code, again.json()["code"]) == (409, "not_a_preview")


def test_a_preview_that_is_dropped_leaves_what_readers_see(reviewed, painted, reviewer, viewer):
    before, preview = reviewed.projection(), reviewed.rerun(full=True, eps=1.9, preview=True)

    dropped = reviewer.delete(f"/api/v1/runs/{preview.id}/")

    assert dropped.status_code == 200
    assert viewer.get(f"/api/v1/runs/{preview.id}/").status_code == 404
    assert reviewed.projection() == before


def test_a_preview_of_before_another_run_is_409_over_rest(reviewed, active_engine, reviewer):
    preview = reviewed.rerun(full=True, eps=0.2, preview=True)
    reviewed.rerun(full=True)
    before = reviewed.projection()

    answer = reviewer.post(f"/api/v1/runs/{preview.id}/apply/")

    assert (answer.status_code, answer.json()["code"]) == (409, "preview_stale")
    assert reviewed.projection() == before


def test_a_preview_is_not_shown_because_the_run_before_it_was_removed(reviewed, painted, admin):
    reviewed.rerun(full=True, eps=1.9, preview=True)

    removed = admin.delete(f"/api/v1/runs/{current(painted)}/")

    assert removed.status_code == 200
    assert current(painted) == ""
