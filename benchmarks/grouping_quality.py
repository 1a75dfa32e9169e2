"""Quality of groupings on labelled faces: plain DBSCAN, HDBSCAN, Chinese whispers and ours.

`python benchmarks/grouping_quality.py PATH... [--eps 0.085] [--images]`. A PATH is an .npz file
with `vectors` and `identity`, or a folder of `<identity>/*.jpg`, which the project's own models
embed first.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.labels import b_cubed, pairwise
from clustering.grouping import Constraints, dbscan_labels, group_faces
from clustering.grouping.adaptive_radius import cluster_centroids
from clustering.grouping.neighbour_pairs import find_neighbour_pairs
from vision import CATALOGUE

EPS = CATALOGUE["dlib-resnet"].cluster_eps
MIN_SAMPLES = 2
SEARCHED = np.arange(0.4, 1.3, 0.05)  # for plain DBSCAN and Chinese whispers, as shares of eps
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
# Share of photos that contain a look-alike, and share of faces that an image contains twice.
COMPANY = ((0.1, 0.0), (0.3, 0.0), (0.1, 0.003), (0.1, 0.01), (0.3, 0.03))
WHISPERS = 20  # rounds; the labels converge much earlier

Labels = NDArray[np.int64]
Named = tuple[str, Labels]


def main() -> None:
    """Print a table for each path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--eps", type=float, default=EPS)
    parser.add_argument(
        "--images",
        action="store_true",
        help="also ours with generated images",
    )
    options = parser.parse_args()
    for path in options.paths:
        vectors, people = vectors_read(path) if path.suffix == ".npz" else photos_embedded(path)
        print(
            f"\n{path}: {len(people)} faces of {len(set(people.tolist()))} people,"
            f" {vectors.shape[1]} wide, min_samples {MIN_SAMPLES}; noise counts as people of one;"
            " 'best' is the highest sum of both F1 over the eps searched, which a user cannot know"
        )
        print(f"{'':34}{'pairwise P':>11}{'R':>7}{'F1':>7}{'B-cubed P':>11}{'R':>7}{'F1':>7}")
        for name, labels in answers(vectors, people, eps=options.eps):
            print(line(name, people, labels), flush=True)
        if options.images:
            for name, labels in with_images(vectors, people, eps=options.eps):
                print(line(name, people, labels), flush=True)


def vectors_read(path: Path) -> tuple[NDArray[np.float32], Labels]:
    """Read `vectors` and `identity`; normalise the vectors."""
    with np.load(path) as arrays:
        vectors, people = arrays["vectors"].astype(np.float32), arrays["identity"]
    return _unit(vectors), people.astype(np.int64)


def photos_embedded(folder: Path) -> tuple[NDArray[np.float32], Labels]:
    """Embed the largest face of each `<identity>/` photo; photos without a face are left out."""
    from django.conf import settings  # imported late: only folders need the models

    from vision import get_engine

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceadmin.settings")
    engine, vectors, people = get_engine(settings.VISION), [], []
    for photo in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        faces = engine.faces([engine.decode(photo.read_bytes())])[0]
        if faces:
            vectors.append(max(faces, key=lambda face: face.bbox[2] * face.bbox[3]).vector)
            people.append(photo.parent.name)
    return _unit(np.array(vectors, dtype=np.float32)), np.unique(people, return_inverse=True)[1]


def answers(vectors: NDArray[np.float32], people: Labels, *, eps: float) -> Iterator[Named]:
    """Yield each method with its labels."""
    yield _best(
        "DBSCAN, best eps",
        people,
        {cut: dbscan_labels(vectors, eps=cut, min_samples=MIN_SAMPLES) for cut in eps * SEARCHED},
    )
    yield "HDBSCAN", HDBSCAN(min_cluster_size=2, min_samples=1, copy=True).fit(vectors).labels_
    yield _best(
        "Chinese whispers, best cut",
        people,
        {cut: whispers_labels(vectors, cut=cut) for cut in eps * SEARCHED},
    )
    for share, name in ((1.0, "ours, default"), (0.9, "ours, eps -10 %"), (1.1, "ours, eps +10 %")):
        grouping = group_faces(vectors, eps=eps * share, min_samples=MIN_SAMPLES)
        yield f"{name} ({eps * share:.4f})", grouping.labels


def with_images(vectors: NDArray[np.float32], people: Labels, *, eps: float) -> Iterator[Named]:
    """Yield ours where it knows which faces are of one image."""
    for together, twice in COMPANY:
        images = images_drawn(vectors, people, together=together, twice=twice)
        state = Constraints(images=images)
        grouping = group_faces(vectors, eps=eps, min_samples=MIN_SAMPLES, constraints=state)
        yield f"ours, company {together:.0%}, twice {twice:.1%}", grouping.labels


def images_drawn(
    vectors: NDArray[np.float32],
    people: Labels,
    *,
    together: float,
    twice: float,
    seed: int = 0,
) -> Labels:
    """Generate images: half of the people share some images with the person most similar to them.

    A share of the faces is in an image with another face of the same person, which a rule against
    it does not expect: a picture on the wall, a collage.
    """
    person, random = np.unique(people, return_inverse=True)[1], np.random.default_rng(seed)
    rows = [random.permutation(np.flatnonzero(person == one)) for one in range(person.max() + 1)]
    centroids = cluster_centroids(vectors, person, len(rows))
    images = np.arange(len(vectors))
    for one in np.flatnonzero(random.random(len(rows)) < 0.5):
        likeness = centroids @ centroids[one]
        other = int(np.argsort(likeness)[-2])
        shown = random.binomial(len(rows[one]), together)
        for face, beside in zip(rows[one][:shown], rows[other], strict=False):
            images[face] = images[beside]
    for face in np.flatnonzero(random.random(len(vectors)) < twice):
        images[face] = images[random.choice(rows[person[face]])]
    return images


def whispers_labels(vectors: NDArray[np.float32], *, cut: float, seed: int = 0) -> Labels:
    """Give each face the label with the highest total similarity among its neighbours within `cut`.

    Biemann: Chinese whispers (TextGraphs 2006), the method of dlib and face_recognition users.
    """
    pairs = find_neighbour_pairs(vectors, radius=cut, nearest=len(vectors))
    ends = np.concatenate([pairs.first, pairs.second])
    others = np.concatenate([pairs.second, pairs.first])
    loud = np.tile(pairs.similarity, 2)
    order = np.argsort(ends, kind="stable")
    borders = np.searchsorted(ends[order], np.arange(len(vectors) + 1))
    labels, random = np.arange(len(vectors)), np.random.default_rng(seed)
    for _ in range(WHISPERS):
        for face in random.permutation(len(vectors)):
            near = order[borders[face] : borders[face + 1]]
            if len(near):
                heard, voice = np.unique(labels[others[near]], return_inverse=True)
                labels[face] = heard[np.argmax(np.bincount(voice, weights=loud[near]))]
    return labels


def line(name: str, people: Labels, labels: Labels) -> str:
    """Return one row of the table."""
    pairs, faces = pairwise(people, labels), b_cubed(people, labels)
    return (
        f"{name:34}{pairs.precision:11.3f}{pairs.recall:7.3f}{pairs.f1:7.3f}"
        f"{faces.precision:11.3f}{faces.recall:7.3f}{faces.f1:7.3f}"
    )


def _best(name: str, people: Labels, found: dict[float, Labels]) -> Named:
    cut = max(found, key=lambda c: pairwise(people, found[c]).f1 + b_cubed(people, found[c]).f1)
    return f"{name} ({cut:.4f})", found[cut]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
