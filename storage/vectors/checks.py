"""Validation of names, ids, filters, vectors and payloads, before they reach a store."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from storage.errors import InvalidName, InvalidVectors, ModelMismatch

PAYLOAD_FIELDS = ("collection", "key", "run", "cluster", "verdict")
MAX_DIMENSION = 65_536  # Qdrant's
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


def collection_name(model: str) -> str:
    """Return the name of the collection of a model's vectors; raise InvalidName."""
    if not _MODEL.fullmatch(model):
        raise InvalidName(f"'{model[:80]}' cannot be the name of an embedder.")
    return f"faces_{model}"


def known_ids(ids: Iterable[str]) -> list[str]:
    """Return the valid face ids; nothing is stored under other ids."""
    return [one for one in ids if _is_face_id(one)]


def check_filter(where: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """Return the filter with a list of values per field; an empty list matches nothing.

    Raises InvalidVectors for an unknown field.
    """
    return {
        _field(field): [value] if isinstance(value, str) else list(value)
        for field, value in where.items()
    }


def check_dimension(dimension: int) -> None:
    """Raise InvalidVectors unless the dimension is 1 to MAX_DIMENSION."""
    if not 1 <= dimension <= MAX_DIMENSION:
        raise InvalidVectors(f"A vector has 1 to {MAX_DIMENSION} values, not {dimension}.")


def compare_dimension(model: str, *, stored: int, wanted: int) -> None:
    """Raise ModelMismatch if the collection was created with another dimension."""
    if stored != wanted:
        raise ModelMismatch(
            f"The stored vectors of {model} have {stored} values and the current model gives "
            f"{wanted}; name the model they were made with, or start with an empty store."
        )


def check_vectors(
    ids: Sequence[str], vectors: NDArray[np.float32], payloads: Sequence[Mapping[str, str]]
) -> NDArray[np.float32]:
    """Return the vectors (n, d) as contiguous float32; raise InvalidVectors if any is invalid."""
    table = np.ascontiguousarray(vectors, dtype=np.float32)
    if table.ndim != 2 or not len(ids) == len(table) == len(payloads):
        raise InvalidVectors("There must be one id, one vector and one payload per face.")
    check_dimension(table.shape[1])
    if not np.isfinite(table).all():
        raise InvalidVectors("A vector has values that are not finite.")
    if not all(_is_face_id(one) for one in ids):
        raise InvalidVectors("The id of a face is a UUID in lower case, with hyphens.")
    for payload in payloads:
        check_payload(payload)
    return table


def check_vector(vector: NDArray[np.float32], *, dimension: int) -> NDArray[np.float32]:
    """Return a query vector (d,) as contiguous float32; raise InvalidVectors if it is invalid."""
    query = np.ascontiguousarray(vector, dtype=np.float32)
    if query.shape != (dimension,):
        raise wrong_dimension(stored=dimension, given=query.size)
    if not np.isfinite(query).all():
        raise InvalidVectors("A vector has values that are not finite.")
    return query


def check_payload(payload: Mapping[str, str]) -> None:
    """Raise InvalidVectors for unknown fields or values that are not text."""
    for field, value in payload.items():
        _field(field)
        if not isinstance(value, str):
            raise InvalidVectors(f"The payload's {field} is text.")


def wrong_dimension(*, stored: int, given: int) -> InvalidVectors:
    """Return the error of vectors with another dimension than their collection."""
    return InvalidVectors(f"The collection's vectors have {stored} values; these have {given}.")


def _field(field: str) -> str:
    if field not in PAYLOAD_FIELDS:
        raise InvalidVectors(f"'{field}' is no payload field; they are {PAYLOAD_FIELDS}.")
    return field


def _is_face_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except (ValueError, AttributeError, TypeError):
        return False
