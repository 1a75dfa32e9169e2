"""Make a decision: look at what is there, refuse what cannot be, append one document.

Nothing is rewritten here; ``projection`` follows, and may be killed at any point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from django.utils import timezone

from clustering.decisions.documents import Decision
from clustering.decisions.errors import (
    Contradicts,
    NothingToDecide,
    NotUndoable,
    Regrouped,
    SameCluster,
    Stale,
)
from clustering.decisions.ground import Ground, Where, cluster_of, current_run
from clustering.decisions.kinds import NOBODY, NOISE, OUT, Kind
from clustering.decisions.law import Contradiction, Law
from clustering.decisions.log import Raced, decision_append, decision_get, law_of
from clustering.documents import Collection, Run
from clustering.selectors import faces_by_id

NEW = "new"
MAX_FACES = 20_000
REGROUPED = "The collection was grouped again since you looked."
ATTEMPTS = 200  # each one lost means that somebody else decided


@dataclass(frozen=True)
class Asked:
    """A decision as it is asked for, in labels of the current run.

    Faces have to be in ``cluster`` still, if it is said. ``run`` is the run whose groups were on
    the screen; labels of another one mean other people. ``user_id`` is the profile that a cluster
    is, or is not, or that faces move to. ``versions`` are those of the faces and clusters that were
    on the screen; ``seen`` is whatever else was, kept with the decision. With ``knows_own``, what
    the same person decided since is not news to them.
    """

    kind: Kind
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


def decide(collection: Collection, asked: Asked, *, by: str, dry_run: bool = False) -> Decision:
    """Append a decision and return it; with ``dry_run`` only say what it would be."""
    for _ in range(ATTEMPTS):
        with law_of(collection.path) as law:
            decision = _draft(collection, asked, law=law, by=by)
            _check_law(decision, law)
            if dry_run:
                return decision
            try:
                decision_append(decision, law)
            except Raced:
                continue
            return decision
    raise Stale("Others decide faster than this request; load again.", changed=[])


def _draft(collection: Collection, asked: Asked, *, law: Law, by: str) -> Decision:
    """Return the decision that would be appended now."""
    ground = Ground(current_run(collection.path))
    seq = law.seq + 1
    decision = Decision(
        id=Decision.id_for(collection.path, seq),
        collection=collection.path,
        seq=seq,
        place=Decision.place_for(collection.path, seq),
        kind=asked.kind,
        by=by,
        by_place=Decision.by_place_for(by, collection.path, seq),
        at=timezone.now(),
        run=ground.run.id,
        faces=list(dict.fromkeys(asked.faces)),
        seen_text=json.dumps({**asked.seen, "versions": dict(asked.versions)}),
    )
    if asked.run and asked.run != ground.run.id:
        raise Regrouped(REGROUPED, changed=[])
    _check_versions(asked, ground=ground, law=law, by=by)
    _DRAFTS[asked.kind](decision, asked, ground, law)
    return decision


def _draft_confirm(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    decision.person = _person(asked.cluster, ground)
    _faces_in(decision, decision.person, ground=ground, law=law)


def _draft_reject(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    decision.person = _person(asked.cluster, ground)
    _faces_in(decision, decision.person, ground=ground, law=law)
    _pin(decision, ground, decision.person)
    _move(decision, decision.faces, was=[decision.person], became=[NOISE])


def _draft_move(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    where = _faces_shown(decision, asked, ground=ground, law=law)
    decision.user = asked.user_id
    target = _named(asked.user_id, ground=ground, law=law) if asked.user_id else asked.to
    if not target:
        raise NothingToDecide("Say where the faces go: a person, cluster_<n>, noise or new.")
    if target == NEW:
        _new_person(decision, ground)
    else:
        decision.person = NOISE if target == NOISE else _person(target, ground)
        _pin(decision, ground, decision.person)
    was = [where[face].person for face in decision.faces]
    _move(decision, decision.faces, was=was, became=[decision.person])


def _draft_split(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    decision.other = _person(asked.cluster, ground)
    _faces_in(decision, decision.other, ground=ground, law=law)
    _new_person(decision, ground)
    _pin(decision, ground, decision.other)
    if not decision.pins:
        raise NothingToDecide("A split leaves at least one face where it was.")
    _move(decision, decision.faces, was=[decision.other], became=[decision.person])


def _draft_merge(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    _two_persons(decision, asked, ground)
    # All of both: two looks of one person have a mean that is like neither of them.
    decision.pins = ground.members(decision.person)
    decision.pins_of = [decision.person] * len(decision.pins)
    faces = ground.members(decision.other)
    became = [
        NOISE if law.is_rejected(face, decision.person) else decision.person for face in faces
    ]
    _move(decision, faces, was=[decision.other], became=became)


def _draft_not_same(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    _two_persons(decision, asked, ground)
    _pin(decision, ground, decision.person, decision.other)


def _draft_out(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    where = _faces_shown(decision, asked, ground=ground, law=law)
    was = [where[face].person for face in decision.faces]
    _move(decision, decision.faces, was=was, became=[OUT[asked.kind]])


def _draft_restore(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    where = _faces_known(decision, ground)
    if any(where[face].person not in OUT.values() for face in decision.faces):
        raise NothingToDecide("Only faces that are ignored, or said to be none, can be restored.")
    homes = {
        face: law.root(was)
        for ruling in {law.out[face][1] for face in decision.faces}
        for face, was, _ in decision_get(ruling).moves
    }
    was = [where[face].person for face in decision.faces]
    _move(decision, decision.faces, was=was, became=[homes[face] for face in decision.faces])


def _draft_cover(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    decision.person = _person(asked.cluster, ground)
    if len(decision.faces) != 1:
        raise NothingToDecide("A cluster has one cover.")
    _faces_in(decision, decision.person, ground=ground, law=law)


def _draft_profile(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    decision.person, decision.user = _person(asked.cluster, ground), asked.user_id
    if not decision.user:
        raise NothingToDecide("Name the profile (user_id).")
    if not ground.typical(decision.person, limit=1):
        raise NothingToDecide(f"{asked.cluster} has no face any more.")
    _pin(decision, ground, decision.person)


def _draft_twice(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    where = _faces_known(decision, ground)
    if len(decision.faces) != 2 or len({one.key for one in where.values()}) != 1:
        raise NothingToDecide("Name two faces of one photo.")


def _draft_undo(decision: Decision, asked: Asked, ground: Ground, law: Law) -> None:
    undone = decision_get(asked.undoes)
    if undone.collection != decision.collection or not law.is_active(undone.id):
        raise NotUndoable("This decision was undone already.", later=[])
    decision.undoes = undone.id
    _check_law(decision, law)
    after = law.trial(decision.ruling)
    there = faces_by_id(undone.moved)  # some may have left the collection since
    moves = [move for move in undone.moves if move[0] in there]
    where = ground.where([face for face, _, _ in moves])
    later = {
        word
        for face, _, _ in moves
        if (word := law.last_word.get(face)) and law.rulings[word].seq > undone.seq
    }
    back = [
        (face, was, became)
        for face, was, became in moves
        if law.last_word.get(face) not in later
        and (undone.kind != Kind.MERGE or where[face].person == law.root(became))
    ]
    if later and not back:
        raise NotUndoable("Later decisions about the same faces stand.", later=sorted(later))
    _move(
        decision,
        [face for face, _, _ in back],
        was=[where[face].person for face, _, _ in back],
        became=[after.root(was) for _, was, _ in back],
    )


_DRAFTS: dict[Kind, Callable[[Decision, Asked, Ground, Law], None]] = {
    Kind.CONFIRM: _draft_confirm,
    Kind.REJECT: _draft_reject,
    Kind.MOVE: _draft_move,
    Kind.SPLIT: _draft_split,
    Kind.MERGE: _draft_merge,
    Kind.NOT_SAME: _draft_not_same,
    Kind.NOT_A_FACE: _draft_out,
    Kind.IGNORE: _draft_out,
    Kind.RESTORE: _draft_restore,
    Kind.CHOOSE_COVER: _draft_cover,
    Kind.CHOOSE_PROFILE: _draft_profile,
    Kind.CONFIRM_PROFILE: _draft_profile,
    Kind.REJECT_PROFILE: _draft_profile,
    Kind.ALLOW_TWICE: _draft_twice,
    Kind.UNDO: _draft_undo,
}


def _check_law(decision: Decision, law: Law) -> None:
    """Refuse a decision that contradicts earlier ones, with the chain of them."""
    try:
        law.check(decision.ruling)
    except Contradiction as contradiction:
        raise Contradicts(
            "Earlier decisions say the opposite; undo one of them first.",
            chain=contradiction.chain,
        ) from contradiction


def _check_versions(asked: Asked, *, ground: Ground, law: Law, by: str) -> None:
    """Refuse a decision about something that changed since it was shown."""
    for name, version in asked.versions.items():
        is_label = name.startswith("cluster_")
        changed = law.since(ground.cluster(name) if is_label else name, version)
        if asked.knows_own:
            changed = [one for one in changed if decision_get(one.id).by != by]
        if changed:
            raise Stale(
                f"Somebody decided about {name} since you looked.",
                changed=[{"id": one.id, "kind": one.kind.value} for one in changed[-20:]],
            )


def _person(label: str, ground: Ground) -> str:
    """Return the person of a cluster that can be decided about."""
    if not label or label in NOBODY:
        raise NothingToDecide("Name a cluster of a person, cluster_<n>.")
    return ground.cluster(label)


def _named(user_id: str, *, ground: Ground, law: Law) -> str:
    """Return the label of the largest cluster that people gave a profile, or that it is new."""
    persons = {law.root(one) for one, (user, _) in law.names.items() if user == user_id}
    found = [one for person in persons if (one := cluster_of(ground.run.id, person)) is not None]
    found = [one for one in found if ground.typical(one.person, limit=1)]
    return max(found, key=lambda one: one.face_count).label if found else NEW


def _two_persons(decision: Decision, asked: Asked, ground: Ground) -> None:
    """Read the two clusters a decision is about."""
    decision.person, decision.other = _person(asked.cluster, ground), _person(asked.other, ground)
    if decision.person == decision.other:
        raise SameCluster("These are one cluster.")
    for person, label in ((decision.person, asked.cluster), (decision.other, asked.other)):
        if not ground.typical(person, limit=1):
            raise Stale(f"{label} has no faces any more.", changed=[])


def _faces_known(decision: Decision, ground: Ground) -> dict[str, Where]:
    """Return where a decision's faces are; it needs some, and not too many."""
    if not 0 < len(decision.faces) <= MAX_FACES:
        raise NothingToDecide(f"Name 1 to {MAX_FACES} faces.")
    return ground.where(decision.faces)


def _faces_shown(decision: Decision, asked: Asked, *, ground: Ground, law: Law) -> dict[str, Where]:
    """Return where a decision's faces are; that is where they were shown, if it is said."""
    if asked.cluster:
        return _faces_in(decision, ground.cluster(asked.cluster), ground=ground, law=law)
    return _faces_known(decision, ground)


def _faces_in(decision: Decision, person: str, *, ground: Ground, law: Law) -> dict[str, Where]:
    """Return where a decision's faces are; refuse unless that is where they were shown."""
    where = _faces_known(decision, ground)
    for face in decision.faces:
        if where[face].person != person:
            changed = law.since(face, 0)[-20:]
            raise Stale(
                f"The face {face} is not in this cluster any more.",
                changed=[{"id": one.id, "kind": one.kind.value} for one in changed],
            )
    return where


def _new_person(decision: Decision, ground: Ground) -> None:
    """Give a decision a person who is new, and the label of that person's cluster."""
    decision.person = sha256(f"person\t{decision.id}".encode()).hexdigest()[:24]
    counted = Run.objects(id=ground.run.id).modify(inc__labels=1, new=True)
    decision.label = f"cluster_{counted.labels - 1}"


def _pin(decision: Decision, ground: Ground, *persons: str) -> None:
    """Keep which faces stood for a person, so that later runs know who is meant."""
    for person in persons:
        if person not in NOBODY:
            faces = ground.typical(person, but=decision.faces)
            decision.pins += faces
            decision.pins_of += [person] * len(faces)


def _move(decision: Decision, faces: list[str], *, was: list[str], became: list[str]) -> None:
    """Write down where faces were and where they become; one value stands for all."""
    decision.moved = list(faces)
    decision.was = was[:1] if len(set(was)) == 1 else was
    decision.became = became[:1] if len(set(became)) == 1 else became
