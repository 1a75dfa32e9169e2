"""A run's faces as text, a slice in memory at a time: for spreadsheets, and for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import TypedDict

from clustering.documents import Face, Member, Run
from clustering.selectors import faces_by_id, members_slices

SLICE = 100  # faces that one query finds
# A spreadsheet takes a cell that begins like this for a formula, and runs it.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class ExportedFace(TypedDict):
    """A face and its cluster; `bbox` is x, y, width, height in the upright photo."""

    clustering_id: str
    cluster_id: str
    face_id: str
    image_path: str
    bbox: list[float]
    confidence: float
    quality: float
    similarity: float
    verdict: str


class ExportedClusters(TypedDict):
    """All faces of a run, cluster by cluster."""

    clustering_id: str
    bucket_path: str
    faces: list[ExportedFace]


def export_rows(run: Run) -> Iterator[list[ExportedFace]]:
    """Yield the faces of a run in slices, cluster by cluster, the most typical first in each."""
    for members in members_slices(run, size=SLICE):
        faces = faces_by_id([member.face for member in members])
        yield [_row(run, member, faces[member.face]) for member in members if member.face in faces]


def export_csv(slices: Iterable[list[ExportedFace]]) -> Iterator[str]:
    """Yield the lines of a CSV file, the head first."""
    names = list(ExportedFace.__annotations__)
    yield _lines([names])
    for rows in slices:
        yield _lines([_cell(value) for value in row.values()] for row in rows)


def export_json(run: Run, slices: Iterable[list[ExportedFace]]) -> Iterator[str]:
    """Yield the text of one JSON object, a face a line."""
    head = {"clustering_id": run.id, "bucket_path": run.collection}
    yield f'{json.dumps(head)[:-1]}, "faces": ['
    comma = "\n"
    for rows in slices:
        for row in rows:
            yield comma + json.dumps(row, ensure_ascii=False)
            comma = ",\n"
    yield "\n]}\n"


def _row(run: Run, member: Member, face: Face) -> ExportedFace:
    """Return one face."""
    return {
        "clustering_id": run.id,
        "cluster_id": member.cluster,
        "face_id": face.id,
        "image_path": face.key,
        "bbox": list(face.bbox),
        "confidence": face.confidence,
        "quality": face.quality_score,
        "similarity": member.similarity,
        "verdict": face.verdict.value,
    }


def _cell(value: object) -> object:
    """Return a value as a cell that stays what it is in a spreadsheet."""
    if isinstance(value, list):
        return json.dumps(value)
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value


def _lines(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as lines of CSV."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
