"""Union-find over names."""

from __future__ import annotations

from collections.abc import Iterable


class Union:
    """Sets of names that grow together; the second of two joined names stands for both."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._parent: dict[str, str] = {}
        for one, other in pairs:
            self.join(one, other)

    def root(self, name: str) -> str:
        """Return the name that stands for this one's set."""
        while (parent := self._parent.get(name, name)) != name:
            self._parent[name] = self._parent.get(parent, parent)
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        """Make two sets one; the other's representative stands for it."""
        a, b = self.root(one), self.root(other)
        if a != b:
            self._parent[a] = b
