"""State folded from events: must-links, cannot-links, and contradictions between decisions.

Pure, without I/O. For a face, the newest decision wins. For persons, all decisions hold at once:
merges and names make persons the same, "not the same" and splits keep them apart. A decision that
would make both true is a contradiction, reported with the chain of decisions that causes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from clustering.decisions.disjoint_sets import DisjointSets, path_between
from clustering.decisions.events import (
    ATTACHING,
    NOISE,
    OUT,
    DecisionEvent,
    EventKind,
    is_user,
    user_node,
    user_of,
)


class Contradiction(Exception):
    """A decision that contradicts others; ``chain`` holds their ids, in order."""

    def __init__(self, chain: list[str]) -> None:
        super().__init__(f"contradicts {', '.join(chain)}")
        self.chain = chain


@dataclass
class ProfileLink:
    """The profile of a person ("" if undecided), the profiles it is not, and their decisions."""

    user: str = ""
    refused: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


class DecisionState:
    """The state of a collection's decisions after some of them."""

    def __init__(self, events: Iterable[DecisionEvent] = ()) -> None:
        self.events = {event.id: event for event in events}
        self.seq = max((event.seq for event in self.events.values()), default=0)
        self.undone = set(_undone_events(self.events.values()))
        self._touched: dict[str, int] = {}
        self._replay()
        for event in self.events.values():
            self._touch(event)

    def add(self, event: DecisionEvent) -> None:
        """Apply a decision; on Contradiction the state is unchanged."""
        if event.kind == EventKind.UNDO:
            self._undo(event)
        else:
            self._apply(event)
        self.events[event.id] = event
        self.seq = max(self.seq, event.seq)
        self._touch(event)

    def check(self, event: DecisionEvent) -> None:
        """Raise Contradiction if the decision could not be added."""
        if event.kind != EventKind.UNDO:
            self._check(event)
            return
        try:
            self.trial(event)
        except Contradiction:
            self._check(self._subject(event))  # name what counts now, not what was undone
            raise

    def trial(self, event: DecisionEvent) -> DecisionState:
        """Return a new state with one more decision."""
        return DecisionState(self._with(event))

    def is_active(self, decision: str) -> bool:
        """Say whether a decision is active: not undone, or its undo was undone."""
        return decision in self.events and decision not in self.undone

    def undone_by(self) -> dict[str, DecisionEvent]:
        """Return the active undo of each undone decision, by decision."""
        undos = (one for one in self.events.values() if one.kind == EventKind.UNDO)
        return {one.undoes: one for one in undos if one.id not in self.undone}

    def version(self, entity: str) -> int:
        """Return the number of the last decision that touched a face or a person; 0: none."""
        return self._touched.get(entity, 0)

    def since(self, entity: str, seq: int) -> list[DecisionEvent]:
        """Return the decisions after a number that touched a face or a person."""
        if self.version(entity) <= seq:
            return []
        newer = (one for one in self.events.values() if one.seq > seq)
        return [one for one in newer if entity in self._entities(one)]

    def subject(self, decision: str) -> DecisionEvent:
        """Return the decision at the end of a chain of undos."""
        return self._subject(self.events[decision])

    def persons_of(self, decision: str) -> set[str]:
        """Return the persons of a decision; for an undo, those of the undone decision."""
        subject = self._subject(self.events[decision])
        return {subject.person, subject.other}

    def root(self, person: str) -> str:
        """Return the representative of a person after all merges."""
        return self._merged.root(person)

    def are_same(self, one: str, other: str) -> bool:
        """Say whether merges and names make two persons the same."""
        return self._same.root(one) == self._same.root(other)

    def identity(self, person: str) -> str:
        """Return the representative shared by all persons that merges and names make the same."""
        return self._same.root(person)

    def profiles(self) -> dict[str, ProfileLink]:
        """Return the profile links by person, including those of persons merged into it."""
        found: dict[str, ProfileLink] = defaultdict(ProfileLink)
        for person, (user, event) in self.names.items():
            found[self.root(person)].user = user
            found[self.root(person)].events.append(event)
        for pair, event in self.cannot_link.items():
            person, other = sorted(pair, key=is_user)
            if is_user(other):
                found[self.root(person)].refused.append(user_of(other))
                found[self.root(person)].events.append(event)
        return dict(found)

    def refused(self, person: str) -> set[str]:
        """Return the profiles that reviewers rejected for a person."""
        root, found = self.root(person), set()
        for pair in self.cannot_link:
            one, other = sorted(pair, key=is_user)
            if is_user(other) and not is_user(one) and self.root(one) == root:
                found.add(user_of(other))
        return found

    def faces(self) -> set[str]:
        """Return the faces with any decision that shapes groups."""
        found = {*self.attached, *self.pinned, *self.singletons, *self.out, *self.covers.values()}
        found.update(face for face, persons in self.rejected.items() if persons)
        return found.union(*self.same_image_allowed)

    def anchors(self) -> dict[str, str]:
        """Return the person of each anchored face; faces of one person are must-link."""
        found = {
            face: self.root(person)
            for face, person in self.pinned.items()
            if face not in self.singletons and face not in self.out
        }
        found.update((face, self.root(person)) for face, (person, _) in self.attached.items())
        return {
            face: person
            for face, person in found.items()
            if face not in self.out and not self.is_rejected(face, person)
        }

    def shaped(self) -> set[str]:
        """Return the persons whose faces a reviewer arranged: regrouping keeps these faces."""
        active = (one for one in self.events.values() if one.id not in self.undone)
        return {self.root(person) for one in active for person in one.shapes}

    def is_decided(self, face: str) -> bool:
        """Say whether a face has any active decision."""
        about = (one for one in self.since(face, 0) if one.kind != EventKind.UNDO)
        return any(self.is_active(one.id) for one in about)

    def is_open(self, face: str) -> bool:
        """Say whether no decision places a face."""
        decided = (self.attached, self.pinned, self.singletons, self.out)
        return not any(face in some for some in decided)

    def is_rejected(self, face: str, person: str) -> bool:
        """Say whether a decision keeps a face out of a person."""
        return any(self.are_same(one, person) for one in self.rejected.get(face, ()))

    def are_apart(self, one: str, other: str) -> bool:
        """Say whether a decision, or two different profiles, keeps two persons apart."""
        a, b = self._same.root(one), self._same.root(other)
        user, other_user = self._user_at(a), self._user_at(b)
        if user and other_user and user != other_user:
            return True
        return any({self._same.root(x) for x in pair} == {a, b} for pair in self.cannot_link)

    def _reset(self) -> None:
        self.attached: dict[str, tuple[str, str]] = {}
        self.pinned: dict[str, str] = {}
        self.singletons: dict[str, str] = {}
        self.out: dict[str, tuple[EventKind, str]] = {}
        self.rejected: dict[str, dict[str, str]] = defaultdict(dict)
        self.cannot_link: dict[frozenset[str], str] = {}
        self.same_image_allowed: dict[frozenset[str], str] = {}
        self.covers: dict[str, str] = {}
        self.edges: list[tuple[str, str, str]] = []
        self.names: dict[str, tuple[str, str]] = {}
        self.last_word: dict[str, str] = {}
        self._same, self._merged = DisjointSets(), DisjointSets()
        self._users: dict[str, str] = {}

    def _with(self, event: DecisionEvent) -> Iterator[DecisionEvent]:
        yield from self.events.values()
        yield event

    def _undo(self, event: DecisionEvent) -> None:
        """Disable a decision, or enable it again, and check that the others hold without it."""
        before = set(self.undone)
        self.undone = set(_undone_events(self._with(event)))
        try:
            self._replay()
        except Contradiction:
            self.undone = before
            self._replay()
            raise

    def _replay(self) -> None:
        self._reset()
        for event in self.events.values():
            if event.kind != EventKind.UNDO and event.id not in self.undone:
                self._apply(event)

    def _touch(self, event: DecisionEvent) -> None:
        for entity in self._entities(event):
            self._touched[entity] = event.seq

    def _entities(self, event: DecisionEvent) -> set[str]:
        """Return the faces and persons whose state a decision changes."""
        return self._subject(event).touches()

    def _subject(self, event: DecisionEvent) -> DecisionEvent:
        """Follow undos, and undos of undos, to the decision that they are about."""
        while event.kind == EventKind.UNDO:
            event = self.events[event.undoes]
        return event

    def _check(self, event: DecisionEvent) -> None:
        if event.kind == EventKind.MERGE:
            self._check_same(event.person, event.other)
        elif event.names:
            user = user_node(event.user)
            self._check_same(event.person, user, but=frozenset((event.person, user)))
        elif event.kind in (EventKind.NOT_SAME, EventKind.SPLIT):
            self._check_apart(event.person, event.other)
        elif event.kind == EventKind.REJECT_PROFILE and event.user:
            self._check_apart(event.person, user_node(event.user), but=event.person)

    def _apply(self, event: DecisionEvent) -> None:
        self._check(event)
        for person, faces in event.pins.items():
            self.pinned.update(dict.fromkeys(faces, person))
        match event.kind:
            case EventKind.MERGE:
                self._join(event.other, event.person, event.id)
                self._merged.join(event.other, event.person)
                self.pinned.update(dict.fromkeys(event.faces, event.person))
            case EventKind.NOT_SAME:
                self.cannot_link[frozenset((event.person, event.other))] = event.id
            case EventKind.CHOOSE_COVER:
                self.covers[event.person] = event.faces[0]
            case EventKind.ALLOW_TWICE:
                self.same_image_allowed[frozenset(event.faces)] = event.id
            case EventKind.REJECT_PROFILE if event.user:
                self._unname(event)
            case _:
                self._apply_to_faces(event)
        if event.names:
            self._name(event)

    def _apply_to_faces(self, event: DecisionEvent) -> None:
        if event.kind == EventKind.SPLIT:
            self.cannot_link[frozenset((event.person, event.other))] = event.id
        for face in event.faces:
            self.last_word[face] = event.id
            if event.kind == EventKind.REJECT:
                self._reject(face, event)
            elif event.kind in OUT:
                self.out[face] = (event.kind, event.id)
            elif event.kind == EventKind.RESTORE:
                self.out.pop(face, None)
            elif event.kind in ATTACHING:
                self._attach(face, event)

    def _attach(self, face: str, event: DecisionEvent) -> None:
        self.attached.pop(face, None)
        self.pinned.pop(face, None)
        self.singletons.pop(face, None)
        self.out.pop(face, None)
        if event.person == NOISE:
            self.singletons[face] = event.id
            return
        self.attached[face] = (event.person, event.id)
        for person in [one for one in self.rejected[face] if self.are_same(one, event.person)]:
            del self.rejected[face][person]

    def _reject(self, face: str, event: DecisionEvent) -> None:
        self.rejected[face][event.person] = event.id
        if face in self.attached and self.are_same(self.attached[face][0], event.person):
            del self.attached[face]
        if face in self.pinned and self.are_same(self.pinned[face], event.person):
            del self.pinned[face]

    def _name(self, event: DecisionEvent) -> None:
        """Set the profile of a person; replaces an earlier one and an earlier rejection of it."""
        self._unname(event, keep_apart=False)
        self.cannot_link.pop(frozenset((event.person, user_node(event.user))), None)
        self.names[event.person] = (event.user, event.id)
        self._join(event.person, user_node(event.user), event.id)

    def _unname(self, event: DecisionEvent, *, keep_apart: bool = True) -> None:
        held = self.names.get(event.person)
        if held is not None and (not keep_apart or held[0] == event.user):
            del self.names[event.person]
            edges = [edge for edge in self.edges if edge[2] != held[1]]
            self.edges, self._same, self._users = [], DisjointSets(), {}
            for edge in edges:
                self._join(*edge)
        if keep_apart:
            self.cannot_link[frozenset((event.person, user_node(event.user)))] = event.id

    def _join(self, one: str, other: str, decision: str) -> None:
        self.edges.append((one, other, decision))
        user = self._user_at(self._same.root(one)) or self._user_at(self._same.root(other))
        self._same.join(one, other)
        if user:
            self._users[self._same.root(one)] = user

    def _user_at(self, root: str) -> str:
        """Return the profile node of a representative, "" without one."""
        return self._users.get(root) or (root if is_user(root) else "")

    def _check_same(self, one: str, other: str, *, but: frozenset[str] = frozenset()) -> None:
        """Raise Contradiction if a cannot-link separates two persons that are to be the same."""
        a, b = self._same.root(one), self._same.root(other)
        if a == b:
            return
        self._check_one_profile(one, other, is_naming=bool(but))
        for pair, decision in self.cannot_link.items():
            x, y = sorted(pair)
            if pair != but and {self._same.root(x), self._same.root(y)} == {a, b}:
                x, y = (x, y) if self._same.root(x) == a else (y, x)
                raise Contradiction([*self._path(one, x), decision, *self._path(y, other)])
        for face, (person, decision) in self.attached.items():
            for rejected, refusal in self.rejected.get(face, {}).items():
                if {self._same.root(person), self._same.root(rejected)} == {a, b}:
                    raise Contradiction([decision, refusal])

    def _check_one_profile(self, one: str, other: str, *, is_naming: bool) -> None:
        """Raise Contradiction if two persons that are to be the same have different profiles.

        A decision that names a person replaces its earlier name, so that name is left out.
        """
        own = self.names.get(one, ("", ""))[1] if is_naming else ""
        edges = [edge for edge in self.edges if edge[2] != own]
        users = [self._user_at(self._same.root(one)), self._user_at(self._same.root(other))]
        if all(users) and len(set(users)) == 2 and (way := path_between(edges, one, users[0])):
            raise Contradiction([*way, *path_between(edges, users[1], other)])

    def _check_apart(self, one: str, other: str, *, but: str = "") -> None:
        """Raise Contradiction if two persons that are to be apart are the same.

        The own name of the person ``but`` is left out: the decision replaces it.
        """
        own = self.names.get(but, ("", ""))[1] if but else ""
        edges = [edge for edge in self.edges if edge[2] != own]
        if path := path_between(edges, one, other):
            raise Contradiction(path)

    def _path(self, one: str, other: str) -> list[str]:
        return path_between(self.edges, one, other)


def _undone_events(events: Iterable[DecisionEvent]) -> Iterator[str]:
    """Yield the undone decisions; an undo that was undone has no effect."""
    undone: set[str] = set()
    for event in reversed(list(events)):
        if event.kind == EventKind.UNDO and event.id not in undone:
            undone.add(event.undoes)
    yield from undone
