"""Current state that a command is validated against: locations of faces, persons of clusters.

A decision counts as soon as it is in the log. ``PendingEvents`` are decisions that are not
projected yet; every reader of the groups overlays them on the documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from clustering.decisions.documents import Decision
from clustering.decisions.errors import OtherCollection
from clustering.decisions.event_log import list_decisions_after
from clustering.decisions.events import NO_PERSON, NOISE
from clustering.documents import (
    NO_CLUSTER,
    Cluster,
    Collection,
    Face,
    Member,
    Run,
    Verdict,
)
from clustering.errors import NoSuchCluster, NoSuchFace, NoSuchRun
from clustering.selectors import IDS_PER_QUERY, find_run, get_faces_by_id, list_members, list_runs
from storage.fields import TimestampField
from storage.mongo import PREFIX_END, iter_fields, prefix_range

POOR = "poor"  # location of faces that the quality filter rejected
ABSENT = NO_CLUSTER
RUNS_LOOKED_AT = 100


@dataclass(frozen=True)
class FaceLocation:
    """A face and its person, or one of NO_PERSON or POOR instead."""

    face: str
    key: str
    person: str


class PendingEvents:
    """Decisions in the log that are not yet projected to the documents of a run."""

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        self.became: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        for decision in decisions:
            self.add(decision)

    def __bool__(self) -> bool:
        return bool(self.became)

    def add(self, decision: Decision) -> None:
        """Overlay one more decision."""
        self.became.update((face, became) for face, _, became in decision.moves)
        if decision.label:
            self.labels[decision.label] = decision.person


class Snapshot:
    """The groups of a run, with pending decisions applied."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.pending = PendingEvents(list_decisions_after(run.collection, run.projected_seq))

    def cluster(self, label: str) -> str:
        """Return the person of a cluster; noise and other reserved labels are returned as is."""
        if label == NOISE or label in NO_CLUSTER:
            return label
        if label in self.pending.labels:
            return self.pending.labels[label]
        found = Cluster.objects(id=Cluster.id_for(self.run.id, label)).first()
        if found is None:
            raise NoSuchCluster(f"The collection has no cluster {label}.")
        return str(found.person)

    def label(self, person: str) -> str:
        """Return the label of a person's cluster, "" if the person has none."""
        if person in NO_PERSON:
            return person
        for label, other in self.pending.labels.items():
            if other == person:
                return label
        found = cluster_of(self.run.id, person)
        return str(found.label) if found is not None else ""

    def where(self, faces: list[str]) -> dict[str, FaceLocation]:
        """Return the locations of faces.

        Raises NoSuchFace for an unknown face, OtherCollection for one of another collection.
        """
        members = members_by_face(self.run.id, faces)
        persons = {label: self.cluster(label) for label in {m.cluster for m in members.values()}}
        found = {
            face: FaceLocation(face, member.key, persons[member.cluster])
            for face, member in members.items()
        }
        found |= self._outside([face for face in faces if face not in members])
        for face in faces:
            if face in self.pending.became:
                found[face] = FaceLocation(face, found[face].key, self.pending.became[face])
        return found

    def typical(self, person: str, *, but: Iterable[str] = (), limit: int = 3) -> list[str]:
        """Return the most typical current faces of a person, without those in ``but``."""
        label, left_out = self.label(person), set(but)
        asked = limit + min(len(left_out) + len(self.pending.became), 200)
        members = list_members(self.run, label, limit=asked)
        here = [m.face for m in members if self.pending.became.get(m.face, person) == person]
        came = [face for face, became in self.pending.became.items() if became == person]
        return [face for face in dict.fromkeys([*here, *came]) if face not in left_out][:limit]

    def members(self, person: str) -> list[str]:
        """Return all faces of a person."""
        first = f"{self.run.id}/{self.label(person)}/"
        where = {"place": prefix_range(first)}
        rows = sorted(iter_fields(Member, where, ["face", "place"]), key=itemgetter("place"))
        stored = [row["face"] for row in rows]
        here = [face for face in stored if self.pending.became.get(face, person) == person]
        came = [face for face, became in self.pending.became.items() if became == person]
        return list(dict.fromkeys([*here, *came]))

    def _outside(self, faces: list[str]) -> dict[str, FaceLocation]:
        """Return the locations of faces without a member document, by their verdict."""
        known = get_faces_by_id(faces)
        found = {}
        for face in faces:
            if face not in known:
                raise NoSuchFace(f"There is no face {face[:80]}.")
            if known[face].collection != self.run.collection:
                raise OtherCollection(f"The face {face} belongs to {known[face].collection}.")
            found[face] = FaceLocation(face, known[face].key, _unclustered_location(known[face]))
        return found


def snapshot_run(path: str) -> Run:
    """Return the run that owns the documents of the current groups; raise NoSuchRun."""
    collection = Collection.objects(path=path).first()
    current = find_run(collection.current_run) if collection is not None else None
    owner = find_run(current.clusters_run) if current is not None else None
    if owner is None:
        raise NoSuchRun(f"{path} has no finished run to decide about.")
    return owner


def written_since(run: Run) -> str:
    """Return from when on faces are those of later runs, as it is stored; after all else if none.

    Such a run was cancelled or failed, still works, or is a preview.
    """
    begun = [
        TimestampField().to_mongo(one.started_at) or ""
        for one in list_runs(run.collection, limit=RUNS_LOOKED_AT)
        if one.sort_key > run.sort_key and one.started_at and one.todo
    ]
    return min(begun, default=PREFIX_END)


def cluster_of(run_id: str, person: str) -> Cluster | None:
    """Return a person's cluster in a run, None without one."""
    return Cluster.objects(person_sort_key=Cluster.person_sort_key_for(run_id, person)).first()


def members_by_face(run_id: str, faces: list[str]) -> dict[str, Member]:
    """Return the members of a run by face; faces without one are left out."""
    found: dict[str, Member] = {}
    ids = [Member.id_for(run_id, face) for face in faces]
    for first in range(0, len(ids), IDS_PER_QUERY):
        for member in Member.objects(id__in=ids[first : first + IDS_PER_QUERY]):
            found[member.face] = member
    return found


def members_of_cluster(run: Run, label: str) -> list[Member]:
    """Return all members of a cluster."""
    found: list[Member] = []
    while page := list_members(run, label, after=found[-1].sort_key if found else "", limit=1000):
        found += page
        if len(page) < 1000:
            break
    return found


def _unclustered_location(face: Face) -> str:
    """Return the location of a face that is in no cluster."""
    if face.verdict in (Verdict.IGNORED, Verdict.NOT_A_FACE):
        return str(face.verdict.value)
    return POOR
