"""Find the people most similar to faces: by templates, then their best reference photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from profiles.gallery import Gallery
from profiles.selectors import get_reference_vectors

PEOPLE_AT_ONCE = 50  # people per batch, so that at most 5,000 photo vectors are in memory


@dataclass(frozen=True)
class PhotoHit:
    """A reference photo and its cosine similarity to the face."""

    reference: str
    similarity: float


@dataclass(frozen=True)
class PersonHit:
    """A person, the lead in similarity over the next (None without one), and the best photo."""

    user_id: str
    name: str
    similarity: float
    margin: float | None
    photo: PhotoHit | None = None


def search_people(
    vectors: NDArray[np.float32], table: Gallery, *, embedder: str, limit: int
) -> list[list[PersonHit]]:
    """Return for each row of (f, d) the most similar people, each with their best photo."""
    found = [_nearest(vector, table, limit=limit) for vector in vectors]
    photos = _photos(found, vectors, embedder=embedder)
    return [
        [replace(hit, photo=photos.get((number, hit.user_id))) for hit in hits]
        for number, hits in enumerate(found)
    ]


def _nearest(vector: NDArray[np.float32], table: Gallery, *, limit: int) -> list[PersonHit]:
    """Return the people by similarity of their templates; the one after the last sets a margin."""
    if not table.user_ids:
        return []
    similarities = table.templates @ vector
    order = np.argsort(-similarities, kind="stable")[: limit + 1].tolist()
    below = [float(similarities[one] - similarities[other]) for one, other in pairwise(order)]
    return [
        PersonHit(
            user_id=table.user_ids[row],
            name=table.names[table.user_ids[row]],
            similarity=float(similarities[row]),
            margin=margin,
        )
        for row, margin in zip(order, [*below, None], strict=True)
    ][:limit]


def _photos(
    found: Sequence[Sequence[PersonHit]], vectors: NDArray[np.float32], *, embedder: str
) -> dict[tuple[int, str], PhotoHit]:
    """Return the most similar photo, by number of the face and user_id."""
    wanted: dict[str, list[int]] = {}
    for number, hits in enumerate(found):
        for hit in hits:
            wanted.setdefault(hit.user_id, []).append(number)
    best: dict[tuple[int, str], PhotoHit] = {}
    people = list(wanted)
    for first in range(0, len(people), PEOPLE_AT_ONCE):
        owners, references, rows = get_reference_vectors(
            people[first : first + PEOPLE_AT_ONCE], embedder
        )
        for owner, reference, row in zip(owners, references, rows, strict=True):
            for number in wanted[owner]:
                similarity = float(row @ vectors[number])
                known = best.get((number, owner))
                if known is None or similarity > known.similarity:
                    best[number, owner] = PhotoHit(reference, similarity)
    return best
