"""The numbers of a finished run, as the API prints them."""

from __future__ import annotations

from collections import Counter

from clustering.documents import NOISE, ImageState, Run
from clustering.pipeline.face_table import FaceTable
from clustering.selectors import collection_images

SMALL, MEDIUM, LARGE = "small (2-5)", "medium (6-15)", "large (16+)"


def run_statistics(
    run: Run, *, table: FaceTable, sizes: dict[str, int]
) -> tuple[dict[str, object], dict[str, int]]:
    """Return the run's statistics, and how many images were skipped for which reason."""
    images, skipped = images_count(run)
    clusters = [size for label, size in sizes.items() if label != NOISE]
    faces = len(table.ids)
    distribution = Counter(_size_class(size) for size in clusters)
    return {
        "total_images": images,
        "total_faces": faces,
        "num_clusters": len(clusters),
        "noise_count": sizes.get(NOISE, 0),
        "refused_faces": table.refused,
        "faces_without_vectors": table.without_vector,
        "avg_faces_per_image": round(faces / images, 4) if images else 0.0,
        "avg_cluster_size": round(sum(clusters) / len(clusters), 4) if clusters else 0.0,
        "largest_cluster_size": max(clusters, default=0),
        "cluster_size_distribution": {name: distribution[name] for name in (SMALL, MEDIUM, LARGE)},
    }, skipped


def images_count(run: Run) -> tuple[int, dict[str, int]]:
    """Return how many images the run read, and the skipped ones by reason."""
    read, skipped = 0, Counter[str]()
    for image in collection_images(run.collection):
        if run.last_key and image.key > run.last_key:
            break
        if image.state == ImageState.READ:
            read += 1
        else:
            skipped[image.reason] += 1
    return read, dict(skipped)


def _size_class(size: int) -> str:
    """Return the class of a cluster's size that the API counts by."""
    if size <= 5:
        return SMALL
    return MEDIUM if size <= 15 else LARGE
