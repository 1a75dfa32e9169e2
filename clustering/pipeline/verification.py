"""Hold the three stores against each other, and put right what differs. MongoDB is the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clustering.documents import Run
from clustering.pipeline.tidy import payloads_write
from clustering.selectors import collection_faces, faces_by_id, members_all
from storage.crops import CropStore
from storage.vectors import VectorStore

SLICE = 500


@dataclass
class StorageReport:
    """What a comparison found; the lists hold face ids."""

    clustering_id: str
    bucket_path: str
    faces: int = 0
    vectors: int = 0
    matching: int = 0
    mongodb_only: list[str] = field(default_factory=list)
    qdrant_only: dict[str, list[str]] = field(default_factory=dict)
    wrong_dimension: list[str] = field(default_factory=list)
    wrong_model: dict[str, list[str]] = field(default_factory=dict)
    missing_crops: list[str] = field(default_factory=list)
    wrong_cluster: list[str] = field(default_factory=list)
    clusters: Counter[str] = field(default_factory=Counter)

    @property
    def is_consistent(self) -> bool:
        """Say whether every face has vector, crop and cluster, and nothing is left over."""
        return not (
            self.mongodb_only
            or any(self.qdrant_only.values())
            or self.wrong_dimension
            or any(self.wrong_model.values())
            or self.missing_crops
            or self.wrong_cluster
        )

    @property
    def orphans(self) -> list[str]:
        """Return the ids of vectors without a face."""
        return [face_id for ids in self.qdrant_only.values() for face_id in ids]


@dataclass(frozen=True)
class Repair:
    """What a repair did."""

    vectors_removed: int
    photos_read_again: int
    faces_recomputed: int


def storage_report(
    run: Run, *, vectors: VectorStore, crops: CropStore, models: Mapping[str, int]
) -> StorageReport:
    """Compare a collection's faces with vectors, crops and payloads.

    ``models`` maps every embedder that may have left vectors to its dimension.
    """
    report = StorageReport(clustering_id=run.id, bucket_path=run.collection)
    faces = {face.id: face.embedder for face in collection_faces(run.collection)}
    cluster_of = {member.face: member.cluster for member in members_all(run)}
    matching: set[str] = set()
    for embedder, dimension in models.items():
        if vectors.dimension(embedder) not in (None, dimension):
            report.wrong_dimension += [one for one, model in faces.items() if model == embedder]
        where = {"collection": run.collection}
        for stored in vectors.iter_payloads(embedder, where):
            for face_id, payload in stored:
                report.vectors += 1
                if face_id not in faces:
                    report.qdrant_only.setdefault(embedder, []).append(face_id)
                elif faces[face_id] != embedder:
                    report.wrong_model.setdefault(embedder, []).append(face_id)
                else:
                    matching.add(face_id)
                    _compare_payload(report, face_id, payload, run=run, cluster_of=cluster_of)
    report.faces, report.matching = len(faces), len(matching)
    report.mongodb_only = sorted(faces.keys() - matching)
    report.missing_crops = crops.missing(sorted(faces))
    return report


def storage_repair(
    run: Run,
    report: StorageReport,
    *,
    vectors: VectorStore,
    look_again: Callable[[list[str]], None],
) -> Repair:
    """Remove vectors without a face, read the photos of incomplete faces again, rewrite payloads.

    ``look_again`` reads photos by key and writes their faces, vectors and crops anew.
    """
    for left_over in (report.qdrant_only, report.wrong_model):
        for embedder, ids in left_over.items():
            for first in range(0, len(ids), SLICE):
                vectors.delete(embedder, ids[first : first + SLICE])
    broken = sorted({*report.mongodb_only, *report.missing_crops})
    keys = sorted({face.key for face in faces_by_id(broken).values()})
    look_again(keys)
    if report.wrong_cluster:
        payloads_write(run, vectors=vectors, check=lambda: None)
    return Repair(
        vectors_removed=len(report.orphans) + sum(map(len, report.wrong_model.values())),
        photos_read_again=len(keys),
        faces_recomputed=len(broken),
    )


def _compare_payload(
    report: StorageReport,
    face_id: str,
    payload: Mapping[str, str],
    *,
    run: Run,
    cluster_of: Mapping[str, str],
) -> None:
    """Count a vector by its cluster, and note one that names another than the face's."""
    cluster = cluster_of.get(face_id)
    if cluster is None:
        return
    if (payload.get("run"), payload.get("cluster")) == (run.clusters_run, cluster):
        report.clusters[cluster] += 1
    else:
        report.wrong_cluster.append(face_id)
