"""Project decisions onto the documents of a run's groups. Idempotent from any point.

One process at a time, under the collection's lease, applies the decisions in order; the run's
``decided`` advances after each. Everything is written by id and from the content of the decision
itself, so repeating a half-written decision writes the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from clustering.decisions.cluster_counts import (
    FEW,
    apply_count_changes,
    count_changes,
    create_cluster,
    recount_cluster,
    update_cover_and_version,
)
from clustering.decisions.documents import Decision
from clustering.decisions.event_log import decision_state, list_decisions_after
from clustering.decisions.events import NOISE, OUT, EventKind
from clustering.decisions.snapshot import ABSENT, cluster_of, members_by_face, snapshot_run
from clustering.documents import (
    ClusterSizes,
    Face,
    Member,
    Run,
    Verdict,
)
from clustering.errors import CollectionBusy
from clustering.selectors import get_collection, get_faces_by_id
from clustering.signals import decision_written
from storage.leases import hold_lease
from storage.mongo import PREFIX_END, bulk_upsert
from storage.vectors import VectorStore

SLICE = 500
PATIENCE_S = 10.0
POLL_S = 0.05
LEASE_SECONDS = 5.0  # a reader waits at most this long for a killed holder
BY_PERSON = {"not_a_face": Verdict.NOT_A_FACE, "ignored": Verdict.IGNORED}


class _Labels(dict[str, str]):
    """The label of each person's cluster in a run, "" without one; each is queried once."""

    def __init__(self, run: Run, decision: Decision) -> None:
        super().__init__({place: place for place in (NOISE, *ABSENT)})
        self._run = run
        self._decision = decision

    def __missing__(self, person: str) -> str:
        cluster = cluster_of(self._run.id, person)
        self[person] = str(cluster.label) if cluster is not None else ""
        return self[person]

    def ensure(self, person: str) -> None:
        """Create a cluster for a person without one in this run."""
        if self[person]:
            return
        decision, label = self._decision, ""
        if decision.run == self._run.id and person == decision.person:
            label = decision.label
        if not label:
            counted = Run.objects(id=self._run.id).modify(inc__label_count=1, new=True)
            label = f"cluster_{counted.label_count - 1}"
        create_cluster(self._run, label, person=person).save()
        self[person] = label


def project_decisions(path: str, *, vectors: VectorStore) -> bool:
    """Project the open decisions of a collection; False if another process is projecting them."""
    with hold_lease(get_collection(path), seconds=LEASE_SECONDS) as lease:
        if lease is None:
            return False
        run = snapshot_run(path)
        for decision in list_decisions_after(path, run.projected_seq):
            lease.check()
            project_decision(decision, run, vectors=vectors)
            lease.check()
            Run.objects(id=run.id).update_one(set__projected_seq=decision.seq)
    return True


@contextmanager
def block_decisions(path: str) -> Iterator[None]:
    """Keep decisions from being written into the groups of a collection while a repair does so.

    What was decided meanwhile is written after it.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        with hold_lease(get_collection(path), seconds=LEASE_SECONDS) as lease:
            if lease is not None:
                yield
                return
        if time.monotonic() > until:
            raise CollectionBusy(f"Decisions about {path} are being written; try again.")
        time.sleep(POLL_S)


def is_projection_behind(run: Run) -> bool:
    """Say whether the log has decisions that the run's documents do not include yet."""
    return next(list_decisions_after(run.collection, run.projected_seq), None) is not None


def catch_up_projection(run: Run, *, vectors: VectorStore) -> None:
    """Project decisions made since the run loaded the state; needs no lease before the switch."""
    for decision in list_decisions_after(run.collection, run.projected_seq):
        project_decision(decision, run, vectors=vectors)
        run.modify(set__projected_seq=decision.seq)


def project_decision(decision: Decision, run: Run, *, vectors: VectorStore) -> None:
    """Write one decision to the members, faces, vectors and clusters of a run; idempotent."""
    moves, labels_of = list(_moves_in(decision, run)), _Labels(run, decision)
    touched = _write_members(decision, moves, run=run, labels=labels_of)
    _write_faces(moves, vectors=vectors)
    _write_payloads(moves, run, labels=labels_of, vectors=vectors)
    with decision_state(run.collection) as state:
        persons = state.persons_of(decision.id) | {decision.person, decision.other}
        covers, versions = dict(state.covers), {one: state.version(one) for one in persons}
        subject = state.subject(decision.id)
    former = subject.faces[0] if subject.kind == EventKind.CHOOSE_COVER else ""
    ClusterSizes.objects(run=run.id).delete()
    labels = {label: person for person in persons if (label := labels_of[person])}
    changed = sorted(touched | labels.keys() - {NOISE})
    _write_counts(decision, moves, touched, run=run, labels=labels_of, covers=covers)
    for label in changed:
        version = versions.get(labels.get(label, ""))
        update_cover_and_version(run, label, covers=covers, version=version, former=former)
    decision_written.send(sender=Decision, run=run, decision=decision, labels=changed)


def _write_counts(
    decision: Decision,
    moves: list[tuple[str, str, str]],
    touched: set[str],
    *,
    run: Run,
    labels: _Labels,
    covers: Mapping[str, str],
) -> None:
    """Update the counts of changed clusters: incrementally for few faces, else by recounting."""
    if decision.run != run.id or len(moves) > FEW:
        for label in sorted(touched):
            recount_cluster(run, label, covers=covers, changed_by=decision.seq)
        return
    known = get_faces_by_id([face for face, _, _ in moves])
    moved = [
        (known[face], labels[was], labels[became]) for face, was, became in moves if face in known
    ]
    for label, change in sorted(count_changes(run, moved).items()):
        apply_count_changes(run, label, change, covers=covers, changed_by=decision.seq)


def _moves_in(decision: Decision, run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield (face, old, new); in a run later than a merge, it takes all members of ``other``."""
    yield from decision.moves
    if decision.kind == EventKind.MERGE and decision.run != run.id:
        gone = cluster_of(run.id, decision.other)
        known = set(decision.moved)
        for member in _members(run, gone.label) if gone is not None else ():
            if member.face not in known:
                yield member.face, decision.other, decision.person


def _write_members(
    decision: Decision, moves: list[tuple[str, str, str]], *, run: Run, labels: _Labels
) -> set[str]:
    """Write the new clusters of faces; return the labels whose members changed."""
    faces = [face for face, _, _ in moves]
    there, known = members_by_face(run.id, faces), get_faces_by_id(faces)
    for person in {became for *_, became in moves}:
        labels.ensure(person)
    touched = {member.cluster for member in there.values()}
    written = []
    for face, was, became in moves:
        touched.add(labels[was])
        if face in known:  # it may have been deleted since
            touched.add(labels[became])
            written.append(
                _member(run, known[face], labels[became], decision, before=there.get(face))
            )
    bulk_upsert(Member, written)
    return touched - {"", *ABSENT}


def _member(
    run: Run, face: Face, label: str, decision: Decision, *, before: Member | None
) -> Member:
    """Return the member document of a face after a decision."""
    return Member(
        id=Member.id_for(run.id, face.id),
        run=run.id,
        face=face.id,
        key=face.key,
        taken=face.taken,
        cluster=label,
        sort_key=Member.decided_sort_key(run.id, label, decision.seq, face.id),
        similarity=before.similarity if before is not None else 0.0,
        base=before.base if before is not None else "",
        put_by=decision.by,
    )


def _write_faces(moves: Iterable[tuple[str, str, str]], *, vectors: VectorStore) -> None:
    """Write verdicts of faces: not a face, ignored, or again that of the quality filter."""
    said = {
        face: BY_PERSON.get(became)
        for face, was, became in moves
        if became in BY_PERSON or was in OUT.values()
    }
    changed = []
    for face in get_faces_by_id(list(said)).values():
        verdict = said[face.id] or (Verdict.POOR if face.reason else Verdict.KEPT)
        if face.verdict != verdict:
            face.verdict = verdict
            changed.append(face)
    bulk_upsert(Face, changed)
    for face in changed:
        vectors.set_payload(face.embedder, [face.id], {"verdict": face.verdict.value})


def _write_payloads(
    moves: list[tuple[str, str, str]], run: Run, *, labels: _Labels, vectors: VectorStore
) -> None:
    """Write the clusters of the moved faces to the vector store, "" for none."""
    by_label: dict[str, list[str]] = {}
    for face, _, became in moves:
        label = "" if became in ABSENT else labels[became]
        by_label.setdefault(label, []).append(face)
    for label, faces in by_label.items():
        for first in range(0, len(faces), SLICE):
            part = faces[first : first + SLICE]
            vectors.set_payload(run.embedder, part, {"run": run.id, "cluster": label})


def _members(run: Run, label: str) -> list[Member]:
    first = f"{run.id}/{label}/"
    return list(Member.objects(sort_key__gte=first, sort_key__lt=first + PREFIX_END))
