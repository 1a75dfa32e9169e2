"""What follows from the decisions: who belongs together, who never, and what contradicts.

Pure: decisions in, conclusions out. About one face the newest decision counts. About persons all
decisions count at once: merges and names make them the same, "not the same" and splits keep them
apart, and a decision that would make both true is a contradiction, told with the chain behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from clustering.decisions.kinds import (
    ATTACHING,
    NOISE,
    OUT,
    Kind,
    Ruling,
    is_user,
    user_node,
    user_of,
)
from clustering.decisions.union import Union, path_between


class Contradiction(Exception):
    """A decision that cannot be true beside others; ``chain`` holds their ids, in order."""

    def __init__(self, chain: list[str]) -> None:
        super().__init__(f"contradicts {', '.join(chain)}")
        self.chain = chain


@dataclass
class Profiled:
    """Which profile a person is, "" if nobody said, which ones it is not, and who says so."""

    user: str = ""
    refused: list[str] = field(default_factory=list)
    rulings: list[str] = field(default_factory=list)


class Law:
    """The state of a collection's decisions after some of them."""

    def __init__(self, rulings: Iterable[Ruling] = ()) -> None:
        self.rulings = {ruling.id: ruling for ruling in rulings}
        self.seq = max((ruling.seq for ruling in self.rulings.values()), default=0)
        self.undone = set(_undone(self.rulings.values()))
        self._touched: dict[str, int] = {}
        self._replay()
        for ruling in self.rulings.values():
            self._touch(ruling)

    def add(self, ruling: Ruling) -> None:
        """Let a decision count; raise Contradiction, and change nothing, if it cannot."""
        if ruling.kind == Kind.UNDO:
            self._undo(ruling)
        else:
            self._apply(ruling)
        self.rulings[ruling.id] = ruling
        self.seq = max(self.seq, ruling.seq)
        self._touch(ruling)

    def check(self, ruling: Ruling) -> None:
        """Raise Contradiction if the decision could not be added."""
        if ruling.kind != Kind.UNDO:
            self._check(ruling)
            return
        try:
            self.trial(ruling)
        except Contradiction:
            self._check(self._subject(ruling))  # name what counts now, not what was undone
            raise

    def trial(self, ruling: Ruling) -> Law:
        """Return the law as it would be with one more decision."""
        return Law(self._with(ruling))

    def is_active(self, decision: str) -> bool:
        """Say whether a decision counts: it was not undone, or its undoing was."""
        return decision in self.rulings and decision not in self.undone

    def undone_by(self) -> dict[str, Ruling]:
        """Return the undo that counts of each decision that does not, by decision."""
        undos = (one for one in self.rulings.values() if one.kind == Kind.UNDO)
        return {one.undoes: one for one in undos if one.id not in self.undone}

    def version(self, entity: str) -> int:
        """Return the number of the last decision that touched a face or a person; 0: none."""
        return self._touched.get(entity, 0)

    def since(self, entity: str, seq: int) -> list[Ruling]:
        """Return the decisions after a number that touched a face or a person."""
        if self.version(entity) <= seq:
            return []
        newer = (one for one in self.rulings.values() if one.seq > seq)
        return [one for one in newer if entity in self._entities(one)]

    def subject(self, decision: str) -> Ruling:
        """Return the decision that a chain of undos is about."""
        return self._subject(self.rulings[decision])

    def persons_of(self, decision: str) -> set[str]:
        """Return the persons that a decision, or what it undoes, is about."""
        subject = self._subject(self.rulings[decision])
        return {subject.person, subject.other}

    def root(self, person: str) -> str:
        """Return the person that stands for somebody after all merges."""
        return self._merged.root(person)

    def are_same(self, one: str, other: str) -> bool:
        """Say whether merges and names make two persons the same."""
        return self._same.root(one) == self._same.root(other)

    def identity(self, person: str) -> str:
        """Return what all persons have in common that merges and names make the same."""
        return self._same.root(person)

    def profiles(self) -> dict[str, Profiled]:
        """Return what people said of the profiles of persons, also of those merged into them."""
        found: dict[str, Profiled] = defaultdict(Profiled)
        for person, (user, ruling) in self.names.items():
            found[self.root(person)].user = user
            found[self.root(person)].rulings.append(ruling)
        for pair, ruling in self.apart.items():
            person, other = sorted(pair, key=is_user)
            if is_user(other):
                found[self.root(person)].refused.append(user_of(other))
                found[self.root(person)].rulings.append(ruling)
        return dict(found)

    def refused(self, person: str) -> set[str]:
        """Return the profiles that people said a person is not."""
        root, found = self.root(person), set()
        for pair in self.apart:
            one, other = sorted(pair, key=is_user)
            if is_user(other) and not is_user(one) and self.root(one) == root:
                found.add(user_of(other))
        return found

    def faces(self) -> set[str]:
        """Return the faces that anything was decided about."""
        found = {*self.attached, *self.pinned, *self.alone, *self.out, *self.covers.values()}
        found.update(face for face, persons in self.rejected.items() if persons)
        return found.union(*self.twice)

    def anchors(self) -> dict[str, str]:
        """Return the person each decided face belongs to, as faces that may not part."""
        found = {
            face: self.root(person)
            for face, person in self.pinned.items()
            if face not in self.alone and face not in self.out
        }
        found.update((face, self.root(person)) for face, (person, _) in self.attached.items())
        return {
            face: person
            for face, person in found.items()
            if face not in self.out and not self.is_rejected(face, person)
        }

    def shaped(self) -> set[str]:
        """Return the persons whose faces somebody put together: they keep those they have."""
        active = (one for one in self.rulings.values() if one.id not in self.undone)
        return {self.root(person) for one in active for person in one.shapes}

    def is_decided(self, face: str) -> bool:
        """Say whether any decision about a face counts."""
        about = (one for one in self.since(face, 0) if one.kind != Kind.UNDO)
        return any(self.is_active(one.id) for one in about)

    def is_open(self, face: str) -> bool:
        """Say whether nobody decided where a face belongs."""
        decided = (self.attached, self.pinned, self.alone, self.out)
        return not any(face in some for some in decided)

    def is_rejected(self, face: str, person: str) -> bool:
        """Say whether a face may never be in a person."""
        return any(self.are_same(one, person) for one in self.rejected.get(face, ()))

    def are_apart(self, one: str, other: str) -> bool:
        """Say whether two persons may never be the same, by a word or by two profiles."""
        a, b = self._same.root(one), self._same.root(other)
        user, other_user = self._user_at(a), self._user_at(b)
        if user and other_user and user != other_user:
            return True
        return any({self._same.root(x) for x in pair} == {a, b} for pair in self.apart)

    def _reset(self) -> None:
        self.attached: dict[str, tuple[str, str]] = {}
        self.pinned: dict[str, str] = {}
        self.alone: dict[str, str] = {}
        self.out: dict[str, tuple[Kind, str]] = {}
        self.rejected: dict[str, dict[str, str]] = defaultdict(dict)
        self.apart: dict[frozenset[str], str] = {}
        self.twice: dict[frozenset[str], str] = {}
        self.covers: dict[str, str] = {}
        self.edges: list[tuple[str, str, str]] = []
        self.names: dict[str, tuple[str, str]] = {}
        self.last_word: dict[str, str] = {}
        self._same, self._merged = Union(), Union()
        self._users: dict[str, str] = {}

    def _with(self, ruling: Ruling) -> Iterator[Ruling]:
        yield from self.rulings.values()
        yield ruling

    def _undo(self, ruling: Ruling) -> None:
        """Turn a decision off, or on again, and see that the others can stand without it."""
        before = set(self.undone)
        self.undone = set(_undone(self._with(ruling)))
        try:
            self._replay()
        except Contradiction:
            self.undone = before
            self._replay()
            raise

    def _replay(self) -> None:
        self._reset()
        for ruling in self.rulings.values():
            if ruling.kind != Kind.UNDO and ruling.id not in self.undone:
                self._apply(ruling)

    def _touch(self, ruling: Ruling) -> None:
        for entity in self._entities(ruling):
            self._touched[entity] = ruling.seq

    def _entities(self, ruling: Ruling) -> set[str]:
        """Return the faces and persons whose state a decision changes."""
        return self._subject(ruling).touches()

    def _subject(self, ruling: Ruling) -> Ruling:
        """Return the decision that an undo, or the undo of an undo, is about in the end."""
        while ruling.kind == Kind.UNDO:
            ruling = self.rulings[ruling.undoes]
        return ruling

    def _check(self, ruling: Ruling) -> None:
        if ruling.kind == Kind.MERGE:
            self._check_same(ruling.person, ruling.other)
        elif ruling.names:
            user = user_node(ruling.user)
            self._check_same(ruling.person, user, but=frozenset((ruling.person, user)))
        elif ruling.kind in (Kind.NOT_SAME, Kind.SPLIT):
            self._check_apart(ruling.person, ruling.other)
        elif ruling.kind == Kind.REJECT_PROFILE and ruling.user:
            self._check_apart(ruling.person, user_node(ruling.user), but=ruling.person)

    def _apply(self, ruling: Ruling) -> None:
        self._check(ruling)
        for person, faces in ruling.pins.items():
            self.pinned.update(dict.fromkeys(faces, person))
        match ruling.kind:
            case Kind.MERGE:
                self._join(ruling.other, ruling.person, ruling.id)
                self._merged.join(ruling.other, ruling.person)
                self.pinned.update(dict.fromkeys(ruling.faces, ruling.person))
            case Kind.NOT_SAME:
                self.apart[frozenset((ruling.person, ruling.other))] = ruling.id
            case Kind.CHOOSE_COVER:
                self.covers[ruling.person] = ruling.faces[0]
            case Kind.ALLOW_TWICE:
                self.twice[frozenset(ruling.faces)] = ruling.id
            case Kind.REJECT_PROFILE if ruling.user:
                self._unname(ruling)
            case _:
                self._apply_to_faces(ruling)
        if ruling.names:
            self._name(ruling)

    def _apply_to_faces(self, ruling: Ruling) -> None:
        if ruling.kind == Kind.SPLIT:
            self.apart[frozenset((ruling.person, ruling.other))] = ruling.id
        for face in ruling.faces:
            self.last_word[face] = ruling.id
            if ruling.kind == Kind.REJECT:
                self._reject(face, ruling)
            elif ruling.kind in OUT:
                self.out[face] = (ruling.kind, ruling.id)
            elif ruling.kind == Kind.RESTORE:
                self.out.pop(face, None)
            elif ruling.kind in ATTACHING:
                self._attach(face, ruling)

    def _attach(self, face: str, ruling: Ruling) -> None:
        self.attached.pop(face, None)
        self.pinned.pop(face, None)
        self.alone.pop(face, None)
        self.out.pop(face, None)
        if ruling.person == NOISE:
            self.alone[face] = ruling.id
            return
        self.attached[face] = (ruling.person, ruling.id)
        for person in [one for one in self.rejected[face] if self.are_same(one, ruling.person)]:
            del self.rejected[face][person]

    def _reject(self, face: str, ruling: Ruling) -> None:
        self.rejected[face][ruling.person] = ruling.id
        if face in self.attached and self.are_same(self.attached[face][0], ruling.person):
            del self.attached[face]
        if face in self.pinned and self.are_same(self.pinned[face], ruling.person):
            del self.pinned[face]

    def _name(self, ruling: Ruling) -> None:
        """Give a person a profile; an earlier one gives way, an earlier no to this one too."""
        self._unname(ruling, keep_apart=False)
        self.apart.pop(frozenset((ruling.person, user_node(ruling.user))), None)
        self.names[ruling.person] = (ruling.user, ruling.id)
        self._join(ruling.person, user_node(ruling.user), ruling.id)

    def _unname(self, ruling: Ruling, *, keep_apart: bool = True) -> None:
        held = self.names.get(ruling.person)
        if held is not None and (not keep_apart or held[0] == ruling.user):
            del self.names[ruling.person]
            edges = [edge for edge in self.edges if edge[2] != held[1]]
            self.edges, self._same, self._users = [], Union(), {}
            for edge in edges:
                self._join(*edge)
        if keep_apart:
            self.apart[frozenset((ruling.person, user_node(ruling.user)))] = ruling.id

    def _join(self, one: str, other: str, decision: str) -> None:
        self.edges.append((one, other, decision))
        user = self._user_at(self._same.root(one)) or self._user_at(self._same.root(other))
        self._same.join(one, other)
        if user:
            self._users[self._same.root(one)] = user

    def _user_at(self, root: str) -> str:
        """Return the node of the profile that the persons of a root are, "" without one."""
        return self._users.get(root) or (root if is_user(root) else "")

    def _check_same(self, one: str, other: str, *, but: frozenset[str] = frozenset()) -> None:
        """Raise Contradiction if two persons that are to be the same are kept apart somewhere."""
        a, b = self._same.root(one), self._same.root(other)
        if a == b:
            return
        self._check_one_profile(one, other, is_naming=bool(but))
        for pair, decision in self.apart.items():
            x, y = sorted(pair)
            if pair != but and {self._same.root(x), self._same.root(y)} == {a, b}:
                x, y = (x, y) if self._same.root(x) == a else (y, x)
                raise Contradiction([*self._path(one, x), decision, *self._path(y, other)])
        for face, (person, decision) in self.attached.items():
            for rejected, refusal in self.rejected.get(face, {}).items():
                if {self._same.root(person), self._same.root(rejected)} == {a, b}:
                    raise Contradiction([decision, refusal])

    def _check_one_profile(self, one: str, other: str, *, is_naming: bool) -> None:
        """Raise Contradiction if two persons that are to be the same are two profiles.

        A person who is named gives up the name of before.
        """
        own = self.names.get(one, ("", ""))[1] if is_naming else ""
        edges = [edge for edge in self.edges if edge[2] != own]
        users = [self._user_at(self._same.root(one)), self._user_at(self._same.root(other))]
        if all(users) and len(set(users)) == 2 and (way := path_between(edges, one, users[0])):
            raise Contradiction([*way, *path_between(edges, users[1], other)])

    def _check_apart(self, one: str, other: str, *, but: str = "") -> None:
        """Raise Contradiction if two persons that are to be apart are the same.

        The name that the person ``but`` has itself gives way.
        """
        own = self.names.get(but, ("", ""))[1] if but else ""
        edges = [edge for edge in self.edges if edge[2] != own]
        if path := path_between(edges, one, other):
            raise Contradiction(path)

    def _path(self, one: str, other: str) -> list[str]:
        return path_between(self.edges, one, other)


def _undone(rulings: Iterable[Ruling]) -> Iterator[str]:
    """Yield the decisions that do not count: an undo that was undone does not undo."""
    undone: set[str] = set()
    for ruling in reversed(list(rulings)):
        if ruling.kind == Kind.UNDO and ruling.id not in undone:
            undone.add(ruling.undoes)
    yield from undone
