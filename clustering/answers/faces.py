"""Responses about a single face. They contain no vectors."""

from __future__ import annotations

from typing import TypedDict

from django.urls import reverse

from clustering.documents import Face, Image, Member, Run
from web.rest import format_time


class ImageFacts(TypedDict):
    """The photo of a face: size of the upright photo in pixels, file size in bytes, format.

    `taken` is the local time of the camera without a time zone, null if the photo has none.
    """

    width: int
    height: int
    size: int
    format: str
    taken: str | None
    faces: int


class FaceQualityParts(TypedDict):
    """The components of a face's quality; `score` is 0 to 1."""

    score: float
    size: float
    blur: float
    pose: float


class FacePlace(TypedDict):
    """The cluster of a face in the current run; `cluster_id` may be noise."""

    clustering_id: str
    cluster_id: str
    similarity: float
    put_by: str
    cluster_url: str


class FaceDetail(TypedDict):
    """A face; box and landmarks are in pixels of the upright photo, `reason` is why it is poor."""

    face_id: str
    bucket_path: str
    image_path: str
    image: ImageFacts | None
    index: int
    bbox: list[float]
    landmarks: list[list[float]]
    confidence: float
    quality: FaceQualityParts
    verdict: str
    reason: str | None
    model: str
    embedder: str
    created_at: str
    cluster: FacePlace | None
    crop_url: str
    image_url: str
    preview_url: str


def face_detail_json(
    face: Face, image: Image | None, run: Run | None, member: Member | None
) -> FaceDetail:
    """Return the response for a face with its photo, and its cluster in the run."""
    points, here = list(face.landmarks), {"face_id": face.id}
    return {
        "face_id": face.id,
        "bucket_path": face.collection,
        "image_path": face.key,
        "image": None if image is None else _image_json(image),
        "index": face.index,
        "bbox": list(face.bbox),
        "landmarks": [points[at : at + 2] for at in range(0, len(points), 2)],
        "confidence": face.confidence,
        "quality": {
            "score": face.quality_score,
            "size": face.size,
            "blur": face.blur,
            "pose": face.pose,
        },
        "verdict": face.verdict.value,
        "reason": face.reason or None,
        "model": face.model,
        "embedder": face.embedder,
        "created_at": format_time(face.created_at),
        "cluster": None if run is None or member is None else _place_json(run, member),
        "crop_url": reverse("face_crop", kwargs=here),
        "image_url": reverse("face_image", kwargs=here),
        "preview_url": reverse("face_preview", kwargs=here),
    }


def _image_json(image: Image) -> ImageFacts:
    return {
        "width": image.width,
        "height": image.height,
        "size": image.size,
        "format": image.format,
        "taken": image.taken or None,
        "faces": image.faces,
    }


def _place_json(run: Run, member: Member) -> FacePlace:
    bucket, _, sub = run.collection.partition("/")
    name = {"bucket": bucket, "sub": sub, "cluster_id": member.cluster}
    url = reverse("cluster_details_db", kwargs=name)
    return {
        "clustering_id": run.id,
        "cluster_id": member.cluster,
        "similarity": member.similarity,
        "put_by": member.put_by,
        "cluster_url": f"{url}?clustering_id={run.id}",
    }
