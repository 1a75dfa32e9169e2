"""Compare the stores' records of a collection. Read-only.

Image documents are the reference: each has its number of faces, and face ids are derived from the
image. Faces, vectors, crops and the current run's groups are compared with them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from clustering.decisions.snapshot import written_since
from clustering.documents import (
    Cluster,
    Face,
    Image,
    Member,
    Run,
    Verdict,
    collection_sort_key,
    emptied_sort_key,
    excluded_sort_key,
)
from clustering.selectors import IDS_PER_QUERY, find_current_run
from storage.mongo import iter_fields, prefix_range
from storage.pictures import PictureStore
from storage.vectors import VectorStore
from vision import FaceQuality, QualityThresholds, is_crop_intact, rejection_reason

CROPS_AT_ONCE = 500
JUDGED = ["verdict", "size", "confidence", "blur", "pose", "quality_score", "created_at"]


@dataclass
class StorageReport:
    """Result of a comparison; lists contain face ids unless stated otherwise.

    ``faces_missing`` and ``qdrant_only`` map ids to the keys of their photos, and
    ``images_missing`` maps keys of photos to their stored faces.
    """

    clustering_id: str
    bucket_path: str
    faces: int = 0
    vectors: int = 0
    matching: int = 0
    faces_missing: dict[str, str] = field(default_factory=dict)
    images_missing: dict[str, list[str]] = field(default_factory=dict)
    mongodb_only: list[str] = field(default_factory=list)
    qdrant_only: dict[str, dict[str, str]] = field(default_factory=dict)
    wrong_dimension: list[str] = field(default_factory=list)
    wrong_model: dict[str, list[str]] = field(default_factory=dict)
    missing_crops: list[str] = field(default_factory=list)
    damaged_crops: list[str] = field(default_factory=list)
    wrong_cluster: list[str] = field(default_factory=list)
    members_without_face: dict[str, str] = field(default_factory=dict)
    faces_without_member: list[str] = field(default_factory=list)
    wrong_clusters: list[str] = field(default_factory=list)  # labels
    clusters: Counter[str] = field(default_factory=Counter)

    @property
    def is_consistent(self) -> bool:
        """Return whether every face of every image is complete and nothing is superfluous."""
        return not self.is_repairable and not self.is_run_needed

    @property
    def is_repairable(self) -> bool:
        """Return whether there are differences that a repair can correct."""
        return any(
            (
                *(self.faces_missing, self.images_missing, self.mongodb_only, self.orphans),
                *(self.wrong_dimension, any(self.wrong_model.values())),
                *(self.missing_crops, self.damaged_crops, self.wrong_cluster),
                *(self.members_without_face, self.wrong_clusters),
            )
        )

    @property
    def orphans(self) -> list[str]:
        """Return the ids of vectors that belong to no image."""
        return [face_id for ids in self.qdrant_only.values() for face_id in ids]

    @property
    def is_run_needed(self) -> bool:
        """Return whether the groups can be corrected by a new run only."""
        return bool(self.faces_without_member)


@dataclass
class _Stored:
    """Face ids of a collection: their embedders, photos and clusters, and which are grouped."""

    embedders: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # of the faces that images list
    grouped: set[str] = field(default_factory=set)
    cluster_of: dict[str, str] = field(default_factory=dict)


def compare_stores(
    run: Run, *, vectors: VectorStore, crops: PictureStore, models: Mapping[str, int]
) -> StorageReport:
    """Compare a collection's images, faces, vectors, crops and the current run's groups.

    ``models`` maps every embedder that may have left vectors to its dimension. Groups of a run
    that is not current are not compared.
    """
    report = StorageReport(clustering_id=run.id, bucket_path=run.collection)
    stored = _Stored()
    _compare_images(report, stored, run)
    is_shown = _is_shown(run)
    if is_shown:
        _compare_members(report, stored, run)
    found = _compare_vectors(report, stored, run, vectors=vectors, models=models)
    report.faces, report.matching = len(stored.embedders), len(found)
    report.mongodb_only = sorted(stored.embedders.keys() - found)
    if is_shown:
        report.faces_without_member = sorted(stored.grouped & found - stored.cluster_of.keys())
    ids = iter(sorted(stored.embedders))
    while some := list(islice(ids, CROPS_AT_ONCE)):
        report.missing_crops += crops.missing(some)
        report.damaged_crops += crops.damaged(some, lambda _, data: is_crop_intact(data))
    return report


def _is_shown(run: Run) -> bool:
    """Return whether the current run shows this run's groups."""
    shown = find_current_run(run.collection)
    return shown is not None and shown.clusters_run == run.clusters_run


def _compare_images(report: StorageReport, stored: _Stored, run: Run) -> None:
    """Compare the faces that images list with the face documents."""
    for image in _rows(Image, run.collection, ["key", "digest", "model", "faces"]):
        key, digest, model = image["key"], image["digest"], image["model"]
        for index in range(image["faces"]):
            face_id = Face.id_for(run.collection, key, digest=digest, model=model, index=index)
            stored.keys[face_id] = key
    others: dict[str, tuple[str, str]] = {}
    takes_part = _Participation(run)
    for face in _rows(Face, run.collection, ["embedder", "key", "image", *JUDGED]):
        stored.embedders[face["_id"]] = face["embedder"]
        if face["_id"] not in stored.keys:
            others[face["_id"]] = (face["image"], face["key"])
        elif takes_part(face):
            stored.grouped.add(face["_id"])
    report.faces_missing = {
        face: key for face, key in stored.keys.items() if face not in stored.embedders
    }
    report.images_missing = _images_missing(others)


def _images_missing(others: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    """Return the photos without an image document, with their faces.

    ``others`` are faces that no image lists. Most belong to photos that have changed since: these
    have an image document, and the next run removes the old faces.
    """
    by_image: dict[str, list[str]] = defaultdict(list)
    for face, (image, _) in others.items():
        by_image[image].append(face)
    known: set[str] = set()
    ids = iter(sorted(by_image))
    while some := list(islice(ids, IDS_PER_QUERY)):
        known |= {row["_id"] for row in iter_fields(Image, {"_id": {"$in": some}}, ["_id"])}
    missing = {image: faces for image, faces in by_image.items() if image not in known}
    return {others[faces[0]][1]: sorted(faces) for faces in missing.values()}


class _Participation:
    """Decides whether a face took part in a run's grouping, by that run's thresholds.

    Faces written by a later run that did not become current are not in the groups yet.
    """

    def __init__(self, run: Run) -> None:
        self._all = bool(run.skip_quality_filter)
        self._thresholds = QualityThresholds(**run.thresholds)
        self._embedder = str(run.embedder)
        self._last_key = str(run.last_key)
        self._until = written_since(run)

    def __call__(self, face: Mapping[str, Any]) -> bool:
        if face["verdict"] not in (Verdict.KEPT, Verdict.POOR):
            return False
        if face["embedder"] != self._embedder:
            return False  # its photo was read by other models and cannot be read again
        if (self._last_key and face["key"] > self._last_key) or face["created_at"] >= self._until:
            return False
        quality = FaceQuality(
            size=face["size"],
            confidence=face["confidence"],
            blur=face["blur"],
            pose=face["pose"],
            score=face["quality_score"],
        )
        return self._all or not rejection_reason(quality, self._thresholds)


def _compare_members(report: StorageReport, stored: _Stored, run: Run) -> None:
    """Compare members with faces, and the counts of clusters with their members."""
    groups = run.clusters_run
    faces, photos = Counter[str](), defaultdict[str, set[str]](set)
    for first in (f"{groups}/", excluded_sort_key(groups)):
        for member in _range(Member, first, ["face", "key", "cluster"]):
            if member["face"] not in stored.embedders:
                report.members_without_face[member["face"]] = member["key"]
            if first == f"{groups}/":
                stored.cluster_of[member["face"]] = member["cluster"]
                faces[member["cluster"]] += 1
                photos[member["cluster"]].add(member["key"])
    counted = {label: (faces[label], len(photos[label])) for label in faces}
    report.wrong_clusters = sorted(find_wrong_clusters(run, counted, stored.cluster_of))


def find_wrong_clusters(
    run: Run, counted: Mapping[str, tuple[int, int]], cluster_of: Mapping[str, str]
) -> set[str]:
    """Return the labels of clusters that are missing, or have wrong counts or foreign covers.

    ``counted`` has the numbers of faces and photos by label, ``cluster_of`` the label of each face.
    """
    groups, wrong = run.clusters_run, set(counted)
    for first in (f"{groups}/", emptied_sort_key(groups, "")):
        for row in _range(Cluster, first, ["label", "face_count", "image_count", "covers"]):
            label = row["label"]
            counts = (row["face_count"], row["image_count"])
            has_covers = bool(row["covers"]) == bool(row["face_count"])
            shows = all(cluster_of.get(face) == label for face in row["covers"])
            if counts == counted.get(label, (0, 0)) and has_covers and shows:
                wrong.discard(label)
            else:
                wrong.add(label)
    return wrong


def _compare_vectors(
    report: StorageReport,
    stored: _Stored,
    run: Run,
    *,
    vectors: VectorStore,
    models: Mapping[str, int],
) -> set[str]:
    """Compare vectors and payloads with the faces; return the faces whose vector is stored."""
    matching: set[str] = set()
    for embedder, dimension in models.items():
        if vectors.dimension(embedder) not in (None, dimension):
            of_this = (one for one, model in stored.embedders.items() if model == embedder)
            report.wrong_dimension += of_this
        for batch in vectors.iter_payloads(embedder, {"collection": run.collection}):
            for face, payload in batch:
                report.vectors += 1
                if face not in stored.embedders:
                    if face not in stored.keys:
                        key = payload.get("key", "")
                        report.qdrant_only.setdefault(embedder, {})[face] = key
                elif stored.embedders[face] != embedder:
                    report.wrong_model.setdefault(embedder, []).append(face)
                else:
                    matching.add(face)
                    _compare_payload(report, face, payload, run=run, cluster_of=stored.cluster_of)
    return matching


def _compare_payload(
    report: StorageReport,
    face_id: str,
    payload: Mapping[str, str],
    *,
    run: Run,
    cluster_of: Mapping[str, str],
) -> None:
    """Count a vector for its cluster; report a payload with another cluster than the member's."""
    cluster = cluster_of.get(face_id)
    if cluster is None:
        return
    if (payload.get("run"), payload.get("cluster")) == (run.clusters_run, cluster):
        report.clusters[cluster] += 1
    else:
        report.wrong_cluster.append(face_id)


def _rows(kind: Any, collection: str, fields: list[str]) -> Iterator[dict[str, Any]]:
    """Iterate some fields of a collection's documents, unordered, one batch in memory at a time."""
    return _range(kind, collection_sort_key(collection, ""), fields)


def _range(kind: Any, first: str, fields: list[str]) -> Iterator[dict[str, Any]]:
    where = {"place": prefix_range(first)}
    return iter_fields(kind, where, fields)
