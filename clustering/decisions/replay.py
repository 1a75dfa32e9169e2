"""Replay the event log over the grouping and compare the stored documents with the result.

Decisions made before the grouping were its input: each face they name must be where they put it.
Later decisions are replayed over that. Verdicts of documents and vectors (not a face, ignored),
chosen covers and assigned people are derived from all decisions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clustering.decisions.cluster_counts import recount_cluster
from clustering.decisions.documents import SAME_PICTURE, DecidedFace, Decision
from clustering.decisions.event_log import list_decisions_after
from clustering.decisions.events import OUT, EventKind
from clustering.decisions.projection import block_decisions, project_decision, project_decisions
from clustering.decisions.snapshot import cluster_of, members_by_face, snapshot_run, written_since
from clustering.decisions.state import DecisionState
from clustering.documents import (
    NO_CLUSTER,
    NOISE,
    Cluster,
    ClusterSizes,
    Face,
    Member,
    Run,
    Verdict,
    collection_sort_key,
    excluded_sort_key,
)
from clustering.selectors import get_faces_by_id, iter_pages
from clustering.signals import decisions_rebuilding
from storage.mongo import bulk_upsert, iter_fields, prefix_range
from storage.vectors import VectorStore

SAID = (Verdict.NOT_A_FACE, Verdict.IGNORED)


@dataclass
class ReplayReport:
    """Result of a replay.

    ``decisions`` is the length of the log, ``replayed`` the number of decisions made after the
    grouping, ``away`` the number of decided faces that are not in the collection now. ``differing``
    are ids of faces in another cluster than the log implies, ``misjudged`` ids of faces whose
    document or vector has another verdict. The other lists hold cluster labels.
    """

    decisions: int = 0
    replayed: int = 0
    faces: int = 0
    away: int = 0
    differing: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)
    wrong_covers: list[str] = field(default_factory=list)
    wrong_assignments: list[str] = field(default_factory=list)

    @property
    def is_unchanged(self) -> bool:
        """Return whether the documents agree with the log."""
        return not (
            *self.differing,
            *self.misjudged,
            *self.miscounted,
            *self.wrong_covers,
            *self.wrong_assignments,
        )


@dataclass
class _Log:
    """The decisions projected into a run, their state, and the state when it was grouped."""

    decisions: list[Decision]
    state: DecisionState
    before: DecisionState


@dataclass
class _Derived:
    """The person of each face by the documents and by the log, and wrong verdicts by face."""

    stored: dict[str, str]
    places: dict[str, str]
    verdicts: dict[str, Verdict]  # by face: the verdict that a document should have


def replay_event_log(path: str, *, vectors: VectorStore, repair: bool = False) -> ReplayReport:
    """Replay the log, compare the result with the stores, and with ``repair`` write differences."""
    project_decisions(path, vectors=vectors)
    run = snapshot_run(path)
    log = _read_log(path, run)
    found, derived = _compare(run, log, vectors=vectors)
    if repair and not found.is_unchanged:
        with block_decisions(path):
            _rewrite(run, log, found, vectors=vectors)
            left, derived = _compare(run, log, vectors=vectors)
            _move_faces(run, left.differing, derived, log, vectors=vectors)
            _write_verdicts(derived.verdicts, left.misjudged, vectors=vectors)
            _recount(run, {*found.miscounted, *found.wrong_covers, *_wrong_counts(run)}, log.state)
            decisions_rebuilding.send(sender=Run, run=run, state=log.state, repair=True)
    return found


def _read_log(path: str, run: Run) -> _Log:
    """Read the log from its beginning, bypassing the state cached in this process."""
    decisions = [one for one in list_decisions_after(path, 0) if one.seq <= run.projected_seq]
    events = [one.event for one in decisions]
    before = DecisionState(one for one in events if one.seq <= run.grouped_at)
    return _Log(decisions, DecisionState(events), before)


def _compare(run: Run, log: _Log, *, vectors: VectorStore) -> tuple[ReplayReport, _Derived]:
    """Compare everything derived from the log with what is stored."""
    persons = _read_persons(run)
    stored, base = _read_face_persons(run, persons)
    known = _read_faces(run)
    anchors = log.before.anchors()
    places = {
        face: _apply_earlier_decisions(face, at, log.before, anchors) for face, at in base.items()
    }
    places = _replay(run, log, places)
    places |= _missing_decided_faces(run, log.state, stored, known)
    found = ReplayReport(
        decisions=len(log.decisions),
        replayed=sum(one.seq > run.grouped_at for one in log.decisions),
        faces=len(stored),
        away=len(log.state.faces() - known.keys()),
        differing=sorted(
            face
            for face in {*stored, *(places.keys() & known.keys())}
            if stored.get(face, "") != places.get(face, "") and (face in stored or face in known)
        ),
        miscounted=_wrong_counts(run),
        wrong_covers=_wrong_covers(run, log.state, stored),
    )
    verdicts = _wrong_verdicts(run, log.state, known, vectors=vectors)
    found.misjudged = sorted({*verdicts, *_wrong_payloads(run, log.state, known, vectors=vectors)})
    answers = decisions_rebuilding.send(sender=Run, run=run, state=log.state, repair=False)
    found.wrong_assignments = sorted(label for _, labels in answers for label in labels)
    return found, _Derived(stored, places, verdicts)


def _replay(run: Run, log: _Log, places: dict[str, str]) -> dict[str, str]:
    """Return the person of each face after replaying the decisions made after the grouping."""
    for decision in log.decisions:
        if decision.seq <= run.grouped_at:
            continue
        if decision.kind == EventKind.MERGE and decision.run != run.id:
            places.update(
                (face, decision.person) for face, at in places.items() if at == decision.other
            )
        places.update((face, became) for face, _, became in decision.moves)
    return places


def _apply_earlier_decisions(
    face: str, place: str, state: DecisionState, anchors: Mapping[str, str]
) -> str:
    """Return where the grouping must have put a face, given the decisions that were its input."""
    if face in state.out:
        return OUT[state.out[face][0]]
    if face in anchors:
        return anchors[face]
    if place != NOISE and (face in state.singletons or state.is_rejected(face, place)):
        return NOISE
    return place


def _missing_decided_faces(
    run: Run,
    state: DecisionState,
    stored: Mapping[str, str],
    known: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    """Return the person of decided faces without a member, although the run covers their photos."""
    until, owed = written_since(run), {}
    for face, (person, _) in state.attached.items():
        if face in stored or face not in known or face in state.out:
            continue
        row = known[face]
        is_beyond = run.last_key and row["key"] > run.last_key
        if not is_beyond and row["created_at"] < until and row["embedder"] == run.embedder:
            owed[face] = state.root(person)
    return owed


def _read_persons(run: Run) -> dict[str, str]:
    """Return the person of each label."""
    found = {label: label for label in (NOISE, *NO_CLUSTER)}
    for first in (f"{run.id}/", f"{run.id}!emptied/"):
        for row in _range(Cluster, first, ["label", "person"]):
            found[row["label"]] = row["person"] or row["label"]
    return found


def _read_face_persons(run: Run, persons: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the stored person of each face, and the person of the original grouping."""
    stored, base = {}, {}
    for first in (f"{run.id}/", excluded_sort_key(run.id)):
        for row in _range(Member, first, ["face", "cluster", "base"]):
            stored[row["face"]] = persons.get(row["cluster"], row["cluster"])
            if row["base"]:
                base[row["face"]] = persons.get(row["base"], row["base"])
    return stored, base


def _read_faces(run: Run) -> dict[str, dict[str, Any]]:
    """Return the fields of the collection's faces that decisions depend on, by face id."""
    fields = ["verdict", "reason", "key", "embedder", "created_at"]
    rows = _range(Face, collection_sort_key(run.collection, ""), fields)
    return {row["_id"]: row for row in rows}


def _wrong_verdicts(
    run: Run, state: DecisionState, known: Mapping[str, Mapping[str, Any]], *, vectors: VectorStore
) -> dict[str, Verdict]:
    """Return the verdicts that documents should have and do not, by face.

    A face that matches an excluded face of a removed file is excluded too.
    """
    wrong = {
        face: Verdict(OUT[kind])
        for face, (kind, _) in state.out.items()
        if face in known and known[face]["verdict"] != OUT[kind]
    }
    others = [
        face for face, row in known.items() if row["verdict"] in SAID and face not in state.out
    ]
    for face in set(others) - _match_removed_faces(
        run, others, state.out.keys() - known.keys(), vectors
    ):
        wrong[face] = Verdict.POOR if known[face].get("reason") else Verdict.KEPT
    return wrong


def _match_removed_faces(
    run: Run, faces: list[str], away: Iterable[str], vectors: VectorStore
) -> set[str]:
    """Return the faces whose embedding matches one of the faces that are no longer stored."""
    gone = sorted(away)
    if not faces or not gone:
        return set()
    vectors_by_face = dict(vectors.retrieve(run.embedder, gone))
    for one in iter_pages(DecidedFace, collection_sort_key(run.collection, "")):
        if one.id in gone and one.embedder == run.embedder:
            vectors_by_face.setdefault(one.id, np.frombuffer(one.vector, "<f4"))
    here = vectors.retrieve(run.embedder, faces)
    if not vectors_by_face or not here:
        return set()
    alike = np.stack(list(here.values())) @ np.stack(list(vectors_by_face.values())).T
    best = alike.max(axis=1) >= SAME_PICTURE
    return {face for face, is_same in zip(here, best.tolist(), strict=True) if is_same}


def _wrong_payloads(
    run: Run, state: DecisionState, known: Mapping[str, Mapping[str, Any]], *, vectors: VectorStore
) -> set[str]:
    """Return the faces whose document and vector payload disagree about an exclusion."""
    where = {"collection": run.collection, "verdict": [one.value for one in SAID]}
    found = {
        face: payload["verdict"]
        for batch in vectors.iter_payloads(run.embedder, where)
        for face, payload in batch
    }
    said = {face: row["verdict"] for face, row in known.items() if row["verdict"] in SAID}
    wrong = {face for face, verdict in found.items() if face in known and said.get(face) != verdict}
    lacking = sorted(said.keys() - found.keys())
    return wrong | vectors.retrieve(run.embedder, lacking).keys() if lacking else wrong


def _wrong_covers(run: Run, state: DecisionState, stored: Mapping[str, str]) -> list[str]:
    """Return the labels of clusters that contain their chosen cover but do not show it."""
    rows = _range(Cluster, f"{run.id}/", ["label", "person", "covers"])
    return sorted(
        row["label"]
        for row in rows
        if (chosen := state.covers.get(row["person"], ""))
        and stored.get(chosen) == row["person"]
        and row["covers"][:1] != [chosen]
    )


def _wrong_counts(run: Run) -> list[str]:
    """Return the labels of clusters whose face or photo count is wrong."""
    faces, photos = Counter[str](), defaultdict[str, set[str]](set)
    for row in _range(Member, f"{run.id}/", ["cluster", "key"]):
        faces[row["cluster"]] += 1
        photos[row["cluster"]].add(row["key"])
    rows = _range(Cluster, f"{run.id}/", ["label", "face_count", "image_count"])
    return sorted(
        row["label"]
        for row in rows
        if (row["face_count"], row["image_count"])
        != (faces[row["label"]], len(photos[row["label"]]))
    )


def _rewrite(run: Run, log: _Log, found: ReplayReport, *, vectors: VectorStore) -> None:
    """Reset faces to the original grouping, then project the later decisions again."""
    labels = set(found.miscounted)
    for member in members_by_face(run.id, found.differing).values():
        labels |= {member.cluster, member.base} - {"", *NO_CLUSTER}
        if member.base:
            member.cluster = member.base
            member.sort_key = Member.decided_sort_key(run.id, member.base, 0, member.face)
            member.save()
        else:
            member.delete()
    for decision in log.decisions:
        if decision.seq > run.grouped_at:
            project_decision(decision, run, vectors=vectors)
    _recount(run, labels, log.state)


def _move_faces(
    run: Run, faces: list[str], derived: _Derived, log: _Log, *, vectors: VectorStore
) -> None:
    """Move faces to the cluster that earlier decisions imply, if that cluster exists."""
    known, there = get_faces_by_id(faces), members_by_face(run.id, faces)
    written, labels = [], {member.cluster for member in there.values()}
    for face in faces:
        place = derived.places.get(face, "")
        label = place if place in (NOISE, *NO_CLUSTER) else _label_of(run, place)
        if face not in known or not label:
            continue
        member = there.get(face) or Member(
            id=Member.id_for(run.id, face), run=run.id, face=face, key=known[face].key
        )
        member.cluster, member.taken = label, known[face].taken
        member.base = "" if label in NO_CLUSTER else label
        event = log.state.attached.get(face, ("", ""))[1]
        seq = log.state.events[event].seq if event else 0
        member.sort_key = Member.decided_sort_key(run.id, label, seq, face)
        member.put_by = "person" if event else member.put_by
        written.append(member)
        labels.add(label)
        shown = {"run": run.id, "cluster": "" if label in NO_CLUSTER else label}
        vectors.set_payload(run.embedder, [face], shown)
    bulk_upsert(Member, written)
    _recount(run, labels - {*NO_CLUSTER}, log.state)


def _label_of(run: Run, person: str) -> str:
    cluster = cluster_of(run.id, person) if person else None
    return str(cluster.label) if cluster is not None else ""


def _write_verdicts(
    verdicts: Mapping[str, Verdict], misjudged: list[str], *, vectors: VectorStore
) -> None:
    """Write the decided verdicts to documents and vector payloads."""
    faces = get_faces_by_id(misjudged)
    for face in faces.values():
        face.verdict = verdicts.get(face.id, face.verdict)
    bulk_upsert(Face, faces.values())
    for face in faces.values():
        vectors.set_payload(face.embedder, [face.id], {"verdict": face.verdict.value})


def _recount(run: Run, labels: Iterable[str], state: DecisionState) -> None:
    """Recount clusters and restore their chosen covers."""
    for label in sorted(labels):
        recount_cluster(run, label, covers=state.covers)
    ClusterSizes.objects(run=run.id).delete()


def _range(kind: Any, first: str, fields: list[str]) -> Iterator[dict[str, Any]]:
    return iter_fields(kind, {"place": prefix_range(first)}, fields)
