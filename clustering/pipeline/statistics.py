"""Statistics of a finished run, as the API returns them."""

from __future__ import annotations

from collections import Counter

from clustering.documents import ImageState, Run
from clustering.pipeline.face_table import FaceTable, iter_present_images
from clustering.sizes import size_statistics


def run_statistics(
    run: Run, *, table: FaceTable, sizes: dict[str, int]
) -> tuple[dict[str, object], dict[str, int]]:
    """Return the run's statistics, and the number of skipped images by reason."""
    images, skipped = count_images(run)
    return {
        "total_images": images,
        "refused_faces": table.refused,
        "faces_without_vectors": table.without_vector,
        **size_statistics(sizes, images=images),
    }, skipped


def count_images(run: Run) -> tuple[int, dict[str, int]]:
    """Return how many images the run has, and those that could not be read by reason.

    One that was read by an earlier run, and could not be by this one, counts on both sides.
    """
    read, skipped = 0, Counter[str]()
    for image in iter_present_images(run):
        read += image.state == ImageState.READ
        if image.reason:
            skipped[image.reason] += 1
    return read, dict(skipped)
