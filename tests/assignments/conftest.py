"""People who are known, and a painted collection of photos with them, over the real stores."""

from types import SimpleNamespace

import pytest

from assignments.api.matching import _match_response
from assignments.documents import Assignment
from assignments.selectors import find_assignment, list_run_assignments
from clustering.decisions.events import EventKind
from clustering.selectors import get_run
from tests.clustering.conftest import Painted
from tests.clustering.deciding import Reviewed
from tests.profiles.conftest import People
from tests.profiles.painted import SAME_PERSON, PeopleEngine

ADA, BOB, EVE = 1, 2, 3  # as they are painted
THRESHOLD = 0.65

ALL = "/api/v1/assignments/"
NO_RUN = "0" * 24
ROW = {
    *("id", "clustering_id", "bucket_path", "cluster_id", "user_id", "similarity", "strategy"),
    *("face_count", "decided_by", "state", "runner_up", "rejected", "version"),
    *("created_at", "updated_at"),
}


class AlbumEngine(PeopleEngine):
    """Reads painted photos; its entry has the assignment threshold."""

    entry = SimpleNamespace(
        cluster_eps=0.1, same_person_threshold=SAME_PERSON, assignment_threshold=THRESHOLD
    )


class Album(Painted):
    """A painted collection that is matched with the people we know."""

    def photos(self, *photos, first=0):
        """Paint photos, each given as who is on it."""
        for number, present in enumerate(photos, start=first):
            self.paint(f"p{number}.png", *present, shade=number)

    def cluster(self, *photos, **parameters):
        """Paint photos and cluster them."""
        self.photos(*photos)
        return self.run(**parameters)

    def match(self, run, **asked):
        """Match as a request does; return its answer."""
        asked = {
            "strategy": "centroid",
            "margin": 0.02,
            "dry_run": False,
            "overwrite": False,
            **asked,
        }
        return _match_response(get_run(run.id), asked, engine=None)

    def decide(self, kind, label, user_id):
        """Decide about a cluster's profile as a reviewer."""
        return Reviewed(self).decide(EventKind(kind), cluster=label, user_id=user_id)

    def label(self, file, index=0):
        """Return the label of the cluster of a face in the current run."""
        return Reviewed(self).label(file, index)

    def held(self, run, label):
        """Return the assignment of a cluster."""
        return find_assignment(run.clusters_run, label)

    def owners(self, run):
        """Return whose the clusters of a run are, by label."""
        return {one.cluster: one.user_id for one in list_run_assignments(run.clusters_run)}


@pytest.fixture
def engine(monkeypatch):
    """The painted engine, in force everywhere."""
    engine = AlbumEngine()
    for place in (
        "clustering.context",
        "assignments.services",
        "review.services",
        "profiles.enrolment",
    ):
        monkeypatch.setattr(f"{place}.get_engine", lambda _: engine, raising=False)
    return engine


@pytest.fixture
def people(stores, settings, tmp_path, engine):
    """An empty set of profiles; enrol people by id and paint."""
    folder = tmp_path / "references"
    references = {"BACKEND": "storage.pictures.PictureFolder", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "references": references}
    people = People((folder, tmp_path / "crops"))
    people.engine = engine
    return people


@pytest.fixture
def album(people, settings, engine):
    """An empty collection."""
    album = Album(settings.BUCKETS_ROOT)
    album.engine = engine
    return album


@pytest.fixture
def family(album, people):
    """A clustered collection: three faces of Ada, two of Bob, two of Eve, who is not enrolled."""
    people.enrol("ada", ADA, name="Ada")
    people.enrol("bob", BOB)
    album.current = album.cluster((ADA, BOB, EVE), (ADA, BOB), (ADA,), (EVE,))
    return album


@pytest.fixture
def matched(family):
    """The same after a matching, with the labels of all three."""
    family.match(family.current)
    family.ada = family.label("p0.png", 0)
    family.bob = family.label("p0.png", 1)
    family.eve = family.label("p0.png", 2)
    family.address = f"/assignments/{family.name.path}"
    return family


@pytest.fixture
def ada_row(matched, viewer):
    """The row of Ada's cluster."""
    return viewer.get(at(Assignment.id_for(matched.current.id, matched.ada))).json()


@pytest.fixture
def assign(matched, reviewer):
    """Assign a cluster by hand."""

    def create(label=None, user_id="bob", client=reviewer, **other):
        body = {
            "clustering_id": matched.current.id,
            "cluster_id": label or matched.eve,
            "user_id": user_id,
            **other,
        }
        return client.post(ALL, body, format="json")

    return create


def at(assignment_id):
    """Return the address of an assignment."""
    return f"{ALL}{assignment_id}/"


def stored():
    """Return everything that is stored of assignments, by id."""
    return {one["_id"]: one for one in Assignment._get_collection().find({})}
