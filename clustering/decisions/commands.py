"""Command handlers: validate a decision against the snapshot and state, append one event.

Groups are not rewritten here; ``projection`` does that later, and may be killed at any point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from django.utils import timezone

from clustering.decisions.documents import Decision
from clustering.decisions.errors import (
    ContradictsDecisions,
    NothingToDecide,
    NotUndoable,
    RegroupedSince,
    SameCluster,
    StaleDecision,
)
from clustering.decisions.event_log import (
    AppendConflict,
    append_decision,
    decision_state,
    get_decision,
)
from clustering.decisions.events import NO_PERSON, NOISE, OUT, EventKind
from clustering.decisions.snapshot import FaceLocation, Snapshot, cluster_of, snapshot_run
from clustering.decisions.state import Contradiction, DecisionState
from clustering.documents import Collection, Run
from clustering.selectors import get_faces_by_id

NEW = "new"
MAX_FACES = 20_000
REGROUPED = "The collection was grouped again since you loaded it."
ATTEMPTS = 200  # a failed attempt means that another decision was appended first


@dataclass(frozen=True)
class DecisionCommand:
    """A requested decision, in labels of the current run.

    If ``cluster`` is given, the faces must still be in it. ``run`` is the run whose groups were
    displayed: the same labels mean other people in another run. ``user_id`` is the profile that a
    cluster is, or is not, or that faces move to. ``versions`` are those of the displayed faces and
    clusters; ``seen`` is anything else that was displayed, stored with the decision. With
    ``knows_own``, newer decisions of the same reviewer do not make the command stale.
    """

    kind: EventKind
    faces: tuple[str, ...] = ()
    cluster: str = ""
    other: str = ""
    to: str = ""
    user_id: str = ""
    undoes: str = ""
    run: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, object] = field(default_factory=dict)
    knows_own: bool = False


def execute_command(
    collection: Collection, command: DecisionCommand, *, by: str, dry_run: bool = False
) -> Decision:
    """Validate and append a decision and return it; ``dry_run`` returns it without appending.

    Raises StaleDecision, ContradictsDecisions, NothingToDecide, NotUndoable or SameCluster.
    """
    for _ in range(ATTEMPTS):
        with decision_state(collection.path) as state:
            decision = _prepare(collection, command, state=state, by=by)
            _check_state(decision, state)
            if dry_run:
                return decision
            try:
                append_decision(decision, state)
            except AppendConflict:
                continue
            return decision
    raise StaleDecision("Others changed this at the same time; load the page again.", changed=[])


def _prepare(
    collection: Collection, command: DecisionCommand, *, state: DecisionState, by: str
) -> Decision:
    """Build the decision under the next sequence number from the current snapshot."""
    snapshot = Snapshot(snapshot_run(collection.path))
    seq = state.seq + 1
    decision = Decision(
        id=Decision.id_for(collection.path, seq),
        collection=collection.path,
        seq=seq,
        sort_key=Decision.sort_key_for(collection.path, seq),
        kind=command.kind,
        by=by,
        by_sort_key=Decision.by_sort_key_for(by, collection.path, seq),
        at=timezone.now(),
        run=snapshot.run.id,
        faces=list(dict.fromkeys(command.faces)),
        seen_text=json.dumps({**command.seen, "versions": dict(command.versions)}),
    )
    if command.run and command.run != snapshot.run.id:
        raise RegroupedSince(REGROUPED, changed=[])
    _check_versions(command, snapshot=snapshot, state=state, by=by)
    _HANDLERS[command.kind](decision, command, snapshot, state)
    return decision


def _prepare_confirm(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    decision.person = _person(command.cluster, snapshot)
    _faces_in(decision, decision.person, snapshot=snapshot, state=state)


def _prepare_reject(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    decision.person = _person(command.cluster, snapshot)
    _faces_in(decision, decision.person, snapshot=snapshot, state=state)
    _pin(decision, snapshot, decision.person)
    _move(decision, decision.faces, was=[decision.person], became=[NOISE])


def _prepare_move(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    where = _shown_faces(decision, command, snapshot=snapshot, state=state)
    decision.user = command.user_id
    target = (
        _named(command.user_id, snapshot=snapshot, state=state) if command.user_id else command.to
    )
    if not target:
        raise NothingToDecide(
            "Choose where to move the faces: a person, cluster_<n>, noise or new."
        )
    if target == NEW:
        _new_person(decision, snapshot)
    else:
        decision.person = NOISE if target == NOISE else _person(target, snapshot)
        _pin(decision, snapshot, decision.person)
    was = [where[face].person for face in decision.faces]
    _move(decision, decision.faces, was=was, became=[decision.person])


def _prepare_split(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    decision.other = _person(command.cluster, snapshot)
    _faces_in(decision, decision.other, snapshot=snapshot, state=state)
    _new_person(decision, snapshot)
    _pin(decision, snapshot, decision.other)
    if not decision.pins:
        raise NothingToDecide("A split must leave at least one face in the cluster.")
    _move(decision, decision.faces, was=[decision.other], became=[decision.person])


def _prepare_merge(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    _two_persons(decision, command, snapshot)
    # Pin all members of both: two appearances of one person have a mean that resembles neither.
    decision.pins = snapshot.members(decision.person)
    decision.pins_of = [decision.person] * len(decision.pins)
    faces = snapshot.members(decision.other)
    became = [
        NOISE if state.is_rejected(face, decision.person) else decision.person for face in faces
    ]
    _move(decision, faces, was=[decision.other], became=became)


def _prepare_not_same(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    _two_persons(decision, command, snapshot)
    _pin(decision, snapshot, decision.person, decision.other)


def _prepare_out(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    where = _shown_faces(decision, command, snapshot=snapshot, state=state)
    was = [where[face].person for face in decision.faces]
    _move(decision, decision.faces, was=was, became=[OUT[command.kind]])


def _prepare_restore(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    where = _known_faces(decision, snapshot)
    if any(where[face].person not in OUT.values() for face in decision.faces):
        raise NothingToDecide(
            "Only faces that are ignored or marked as not a face can be restored."
        )
    homes = {
        face: state.root(was)
        for event in {state.out[face][1] for face in decision.faces}
        for face, was, _ in get_decision(event).moves
    }
    was = [where[face].person for face in decision.faces]
    _move(decision, decision.faces, was=was, became=[homes[face] for face in decision.faces])


def _prepare_cover(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    decision.person = _person(command.cluster, snapshot)
    if len(decision.faces) != 1:
        raise NothingToDecide("Choose one face as the cover.")
    _faces_in(decision, decision.person, snapshot=snapshot, state=state)


def _prepare_profile(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    decision.person, decision.user = _person(command.cluster, snapshot), command.user_id
    if not decision.user:
        raise NothingToDecide("Name the profile (user_id).")
    if not snapshot.typical(decision.person, limit=1):
        raise NothingToDecide(f"{command.cluster} has no face any more.")
    _pin(decision, snapshot, decision.person)


def _prepare_same_image_allowed(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    where = _known_faces(decision, snapshot)
    if len(decision.faces) != 2 or len({one.key for one in where.values()}) != 1:
        raise NothingToDecide("Name two faces of one photo.")


def _prepare_undo(
    decision: Decision, command: DecisionCommand, snapshot: Snapshot, state: DecisionState
) -> None:
    undone = get_decision(command.undoes)
    if undone.collection != decision.collection or not state.is_active(undone.id):
        raise NotUndoable("This decision was undone already.", later=[])
    decision.undoes = undone.id
    _check_state(decision, state)
    after = state.trial(decision.event)
    there = get_faces_by_id(undone.moved)  # some may have been deleted since
    moves = [move for move in undone.moves if move[0] in there]
    where = snapshot.where([face for face, _, _ in moves])
    later = {
        word
        for face, _, _ in moves
        if (word := state.last_word.get(face)) and state.events[word].seq > undone.seq
    }
    back = [
        (face, was, became)
        for face, was, became in moves
        if state.last_word.get(face) not in later
        and (undone.kind != EventKind.MERGE or where[face].person == state.root(became))
    ]
    if later and not back:
        raise NotUndoable(
            "Later decisions changed the same faces; undo those first.", later=sorted(later)
        )
    _move(
        decision,
        [face for face, _, _ in back],
        was=[where[face].person for face, _, _ in back],
        became=[after.root(was) for _, was, _ in back],
    )


_HANDLERS: dict[EventKind, Callable[[Decision, DecisionCommand, Snapshot, DecisionState], None]] = {
    EventKind.CONFIRM: _prepare_confirm,
    EventKind.REJECT: _prepare_reject,
    EventKind.MOVE: _prepare_move,
    EventKind.SPLIT: _prepare_split,
    EventKind.MERGE: _prepare_merge,
    EventKind.NOT_SAME: _prepare_not_same,
    EventKind.NOT_A_FACE: _prepare_out,
    EventKind.IGNORE: _prepare_out,
    EventKind.RESTORE: _prepare_restore,
    EventKind.CHOOSE_COVER: _prepare_cover,
    EventKind.CHOOSE_PROFILE: _prepare_profile,
    EventKind.CONFIRM_PROFILE: _prepare_profile,
    EventKind.REJECT_PROFILE: _prepare_profile,
    EventKind.ALLOW_TWICE: _prepare_same_image_allowed,
    EventKind.UNDO: _prepare_undo,
}


def _check_state(decision: Decision, state: DecisionState) -> None:
    """Raise ContradictsDecisions with the chain of earlier decisions that exclude this one."""
    try:
        state.check(decision.event)
    except Contradiction as contradiction:
        raise ContradictsDecisions(
            "Earlier decisions contradict this one; undo one of them first.",
            chain=contradiction.chain,
        ) from contradiction


def _check_versions(
    command: DecisionCommand, *, snapshot: Snapshot, state: DecisionState, by: str
) -> None:
    """Raise StaleDecision if a face or cluster has newer decisions than the displayed version."""
    for name, version in command.versions.items():
        is_label = name.startswith("cluster_")
        changed = state.since(snapshot.cluster(name) if is_label else name, version)
        if command.knows_own:
            changed = [one for one in changed if get_decision(one.id).by != by]
        if changed:
            raise StaleDecision(
                f"There is a newer decision about {name} than the one you saw.",
                changed=[{"id": one.id, "kind": one.kind.value} for one in changed[-20:]],
            )


def _person(label: str, snapshot: Snapshot) -> str:
    """Return the person of a cluster; raise NothingToDecide for noise, ignored or no label."""
    if not label or label in NO_PERSON:
        raise NothingToDecide("Name a cluster of a person, cluster_<n>.")
    return snapshot.cluster(label)


def _named(user_id: str, *, snapshot: Snapshot, state: DecisionState) -> str:
    """Return the label of the largest cluster named as this profile, or NEW without one."""
    persons = {state.root(one) for one, (user, _) in state.names.items() if user == user_id}
    found = [one for person in persons if (one := cluster_of(snapshot.run.id, person)) is not None]
    found = [one for one in found if snapshot.typical(one.person, limit=1)]
    return max(found, key=lambda one: one.face_count).label if found else NEW


def _two_persons(decision: Decision, command: DecisionCommand, snapshot: Snapshot) -> None:
    """Set ``person`` and ``other``; refuse equal clusters and clusters without faces."""
    decision.person, decision.other = (
        _person(command.cluster, snapshot),
        _person(command.other, snapshot),
    )
    if decision.person == decision.other:
        raise SameCluster("Both are the same cluster.")
    for person, label in ((decision.person, command.cluster), (decision.other, command.other)):
        if not snapshot.typical(person, limit=1):
            raise StaleDecision(f"{label} has no faces any more.", changed=[])


def _known_faces(decision: Decision, snapshot: Snapshot) -> dict[str, FaceLocation]:
    """Return the locations of a decision's faces; refuse none, or more than MAX_FACES."""
    if not 0 < len(decision.faces) <= MAX_FACES:
        raise NothingToDecide(f"Name 1 to {MAX_FACES} faces.")
    return snapshot.where(decision.faces)


def _shown_faces(
    decision: Decision, command: DecisionCommand, *, snapshot: Snapshot, state: DecisionState
) -> dict[str, FaceLocation]:
    """Return the locations of a decision's faces; check them against ``cluster``, if given."""
    if command.cluster:
        return _faces_in(
            decision, snapshot.cluster(command.cluster), snapshot=snapshot, state=state
        )
    return _known_faces(decision, snapshot)


def _faces_in(
    decision: Decision, person: str, *, snapshot: Snapshot, state: DecisionState
) -> dict[str, FaceLocation]:
    """Return the locations of a decision's faces; raise StaleDecision unless all are in person."""
    where = _known_faces(decision, snapshot)
    for face in decision.faces:
        if where[face].person != person:
            changed = state.since(face, 0)[-20:]
            raise StaleDecision(
                f"The face {face} is not in this cluster any more.",
                changed=[{"id": one.id, "kind": one.kind.value} for one in changed],
            )
    return where


def _new_person(decision: Decision, snapshot: Snapshot) -> None:
    """Set a new person id and reserve the label of its cluster."""
    decision.person = sha256(f"person\t{decision.id}".encode()).hexdigest()[:24]
    counted = Run.objects(id=snapshot.run.id).modify(inc__label_count=1, new=True)
    decision.label = f"cluster_{counted.label_count - 1}"


def _pin(decision: Decision, snapshot: Snapshot, *persons: str) -> None:
    """Store typical faces of each person, so that later runs can identify the person by them."""
    for person in persons:
        if person not in NO_PERSON:
            faces = snapshot.typical(person, but=decision.faces)
            decision.pins += faces
            decision.pins_of += [person] * len(faces)


def _move(decision: Decision, faces: list[str], *, was: list[str], became: list[str]) -> None:
    """Set old and new persons of the moved faces; one value stands for all if they are equal."""
    decision.moved = list(faces)
    decision.was = was[:1] if len(set(was)) == 1 else was
    decision.became = became[:1] if len(set(became)) == 1 else became
