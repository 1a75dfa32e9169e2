"""Names that grow together: which set one is in, and the way from one to another."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable


class DisjointSets:
    """Disjoint sets of names; after a join, the second set's representative stands for both."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._parent: dict[str, str] = {}
        for one, other in pairs:
            self.join(one, other)

    def root(self, name: str) -> str:
        """Return the representative of the set that contains a name."""
        while (parent := self._parent.get(name, name)) != name:
            self._parent[name] = self._parent.get(parent, parent)
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        """Merge two sets; the representative of ``other`` stands for the result."""
        a, b = self.root(one), self.root(other)
        if a != b:
            self._parent[a] = b


def path_between(edges: Iterable[tuple[str, str, str]], one: str, other: str) -> list[str]:
    """Return the decisions on a shortest way from person to person, [] if there is none."""
    ways: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for a, b, decision in edges:
        ways[a].append((b, decision))
        ways[b].append((a, decision))
    seen, queue = {one}, deque([(one, list[str]())])
    while queue:
        here, path = queue.popleft()
        if here == other:
            return path
        for there, decision in ways[here]:
            if there not in seen:
                seen.add(there)
                queue.append((there, [*path, decision]))
    return []
