"""Responses of the search by photo. They contain no vectors."""

from __future__ import annotations

from typing import TypedDict

from clustering.answers.faces import FaceQualityParts
from review.search.clusters import ClusterHit
from review.search.people import PersonHit
from review.search.photo import FaceResult, PhotoResult

DIGITS = 6


class SearchedFace(TypedDict):
    """A face, in pixels of the upright photo; if it is not `used`, `reason` says why."""

    bbox: list[float]
    confidence: float
    quality: FaceQualityParts
    checks: list[str]
    used: bool
    reason: str | None


class MatchingPhoto(TypedDict):
    """The reference photo of a person that is most similar to the face."""

    face_id: str
    similarity: float


class MatchingPerson(TypedDict):
    """A person; `margin` is the lead in similarity over the next one, `photo` the best photo."""

    user_id: str
    name: str
    similarity: float
    photo: MatchingPhoto | None
    margin: float | None


class MatchingCluster(TypedDict):
    """A cluster with its most similar face; faces in `noise` are listed individually."""

    bucket_path: str
    clustering_id: str
    cluster_id: str
    similarity: float
    face_id: str
    face_count: int
    user_id: str | None


class FaceMatches(TypedDict):
    """A face with the most similar people and clusters, by descending similarity."""

    face: SearchedFace
    profiles: list[MatchingPerson]
    clusters: list[MatchingCluster]


class ImageSize(TypedDict):
    """The size of an upright photo in pixels."""

    width: int
    height: int


class NotCompared(TypedDict):
    """The number of people and collections whose vectors are from another than the active model."""

    profiles: int
    collections: int


class SearchResult(TypedDict):
    """All faces of a photo, by descending confidence, with the results for each."""

    image: ImageSize
    embedder: str
    faces: list[FaceMatches]
    not_compared: NotCompared


def search_json(found: PhotoResult) -> SearchResult:
    """Return the response for a search."""
    return {
        "image": {"width": found.width, "height": found.height},
        "embedder": found.embedder,
        "faces": [_matches_json(one) for one in found.faces],
        "not_compared": {
            "profiles": found.other_profiles,
            "collections": found.other_collections,
        },
    }


def _matches_json(one: FaceResult) -> FaceMatches:
    return {
        "face": _face_json(one),
        "profiles": [_person_json(hit) for hit in one.people],
        "clusters": [_cluster_json(hit) for hit in one.clusters],
    }


def _face_json(one: FaceResult) -> SearchedFace:
    quality = one.face.quality
    return {
        "bbox": [round(float(side), 2) for side in one.face.bbox],
        "confidence": one.face.confidence,
        "quality": {
            "score": quality.score,
            "size": quality.size,
            "blur": quality.blur,
            "pose": quality.pose,
        },
        "checks": one.checks,
        "used": one.reason is None,
        "reason": one.reason,
    }


def _person_json(hit: PersonHit) -> MatchingPerson:
    photo = hit.photo
    return {
        "user_id": hit.user_id,
        "name": hit.name,
        "similarity": round(hit.similarity, DIGITS),
        "photo": None
        if photo is None
        else {"face_id": photo.reference, "similarity": round(photo.similarity, DIGITS)},
        "margin": None if hit.margin is None else round(hit.margin, DIGITS),
    }


def _cluster_json(hit: ClusterHit) -> MatchingCluster:
    return {
        "bucket_path": hit.run.collection,
        "clustering_id": hit.run.id,
        "cluster_id": hit.label,
        "similarity": round(hit.similarity, DIGITS),
        "face_id": hit.face,
        "face_count": hit.face_count,
        "user_id": hit.user_id,
    }
