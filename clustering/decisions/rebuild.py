"""Derive the groups from the grouping and the log again, and hold the documents against that."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from clustering.decisions.counting import cluster_recount
from clustering.decisions.ground import current_run, members_by_face
from clustering.decisions.kinds import Kind
from clustering.decisions.log import decisions_after, law_of
from clustering.decisions.projection import decision_write, project
from clustering.documents import END_OF_PLACES, NO_CLUSTER, NOISE, Cluster, Member, Run, out_place
from storage.mongo import iter_fields
from storage.vectors import VectorStore


@dataclass
class Rebuilt:
    """What a rebuild found; ``differing`` are faces whose document said something else."""

    decisions: int = 0
    faces: int = 0
    differing: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)

    @property
    def is_unchanged(self) -> bool:
        """Say whether the documents are what the log says."""
        return not (self.differing or self.miscounted)


def projection_rebuild(path: str, *, vectors: VectorStore, repair: bool = False) -> Rebuilt:
    """Derive who is where from the log, compare, and with ``repair`` write what differs."""
    project(path, vectors=vectors)
    run = current_run(path)
    persons = _persons(run)
    stored, base = _places(run, persons)
    derived, found = dict(base), Rebuilt()
    for decision in decisions_after(path, run.grouped_at):
        if decision.seq > run.decided:
            break
        found.decisions += 1
        if decision.kind == Kind.MERGE and decision.run != run.id:
            derived.update(
                (face, decision.person) for face, at in derived.items() if at == decision.other
            )
        moves = ((face, became) for face, _, became in decision.moves)
        derived.update((face, became) for face, became in moves if face in stored)
    found.faces = len(stored)
    found.differing = sorted(face for face in stored if stored[face] != derived.get(face, ""))
    found.miscounted = _miscounted(run)
    if repair and not found.is_unchanged:
        _write_again(run, path, found.differing, vectors=vectors)
    return found


def _persons(run: Run) -> dict[str, str]:
    """Return the person of each label."""
    found = {label: label for label in (NOISE, *NO_CLUSTER)}
    for first in (f"{run.id}/", f"{run.id}!emptied/"):
        where = {"place": {"$gte": first, "$lt": first + END_OF_PLACES}}
        for row in iter_fields(Cluster, where, ["label", "person"]):
            found[row["label"]] = row["person"] or row["label"]
    return found


def _places(run: Run, persons: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return where each face is, and where the grouping had put it."""
    stored, base = {}, {}
    for first in (f"{run.id}/", out_place(run.id)):
        where = {"place": {"$gte": first, "$lt": first + END_OF_PLACES}}
        for row in iter_fields(Member, where, ["face", "cluster", "base"]):
            stored[row["face"]] = persons.get(row["cluster"], row["cluster"])
            if row["base"]:
                base[row["face"]] = persons.get(row["base"], row["base"])
    return stored, base


def _miscounted(run: Run) -> list[str]:
    """Return the labels whose cluster counts other faces or photos than it has."""
    first = f"{run.id}/"
    where = {"place": {"$gte": first, "$lt": first + END_OF_PLACES}}
    faces, photos = Counter[str](), defaultdict[str, set[str]](set)
    for row in iter_fields(Member, where, ["cluster", "key"]):
        faces[row["cluster"]] += 1
        photos[row["cluster"]].add(row["key"])
    rows = iter_fields(Cluster, where, ["label", "face_count", "image_count"])
    return sorted(
        row["label"]
        for row in rows
        if (row["face_count"], row["image_count"])
        != (faces[row["label"]], len(photos[row["label"]]))
    )


def _write_again(run: Run, path: str, faces: list[str], *, vectors: VectorStore) -> None:
    """Put faces back where the grouping had them, and write all decisions again over that."""
    labels = set(_miscounted(run))
    for member in members_by_face(run.id, faces).values():
        labels |= {member.cluster, member.base} - {"", *NO_CLUSTER}
        if member.base:
            member.cluster = member.base
            member.place = Member.place_decided(run.id, member.base, 0, member.face)
            member.save()
        else:
            member.delete()
    for decision in decisions_after(path, run.grouped_at):
        decision_write(decision, run, vectors=vectors)
    with law_of(path) as law:
        covers = dict(law.covers)
    for label in sorted(labels | set(_miscounted(run))):
        cluster_recount(run, label, covers=covers)
