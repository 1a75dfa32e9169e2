"""Statistics of the cluster sizes of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from clustering.documents import NOISE

SMALL, MEDIUM, LARGE = "small (2-5)", "medium (6-15)", "large (16+)"


def size_statistics(sizes: Mapping[str, int], *, images: int) -> dict[str, object]:
    """Return the statistics of cluster sizes by label; empty clusters are not counted."""
    clusters = [size for label, size in sizes.items() if label != NOISE and size]
    faces = sum(sizes.values())
    distribution = Counter(_size_class(size) for size in clusters)
    return {
        "total_faces": faces,
        "num_clusters": len(clusters),
        "noise_count": sizes.get(NOISE, 0),
        "avg_faces_per_image": round(faces / images, 4) if images else 0.0,
        "avg_cluster_size": round(sum(clusters) / len(clusters), 4) if clusters else 0.0,
        "largest_cluster_size": max(clusters, default=0),
        "cluster_size_distribution": {name: distribution[name] for name in (SMALL, MEDIUM, LARGE)},
    }


def _size_class(size: int) -> str:
    if size <= 5:
        return SMALL
    return MEDIUM if size <= 15 else LARGE
