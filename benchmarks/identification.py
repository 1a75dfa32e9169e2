"""Share of photos of known people that get the right name: enrolled with one photo, and with three.

`python benchmarks/identification.py FOLDER [--enrol 1 3] [--detector auto] [--embedder auto]`

FOLDER contains `<identity>/*.jpg`. The first accepted photos of each person are enrolled; the rest
becomes one collection, clustered and matched with default settings by the product's own code in
its embedded stores. The face nearest to the centre of a photo is its subject. A cluster belongs to
the person with most of these faces.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.pipeline import configure, stores

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def main() -> None:
    """Print one line per number of enrolled photos and strategy."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--enrol", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--embedder", default="auto")
    parser.add_argument("--models", default="", help="as FACEADMIN_MODELS")
    parser.add_argument("--threads", type=int, default=2, help="of each ONNX session")
    options = parser.parse_args()
    people = {
        one.name: sorted(file for file in one.iterdir() if file.suffix.lower() in SUFFIXES)
        for one in sorted(options.folder.iterdir())
        if one.is_dir()
    }
    with tempfile.TemporaryDirectory(prefix="faceadmin-benchmark-") as folder:
        data = Path(folder)
        configure(options, data)
        with stores(data):
            photos = sum(map(len, people.values()))
            print(f"{photos} photos of {len(people)} people, {active_models()}")
            print(
                f"{'photos each, strategy':24}{'photos':>7}{'right':>7}{'wrong':>7}"
                f"{'none':>8}{'right of all':>14}{'wrong clusters':>16}{'rank-1':>8}"
            )
            for count in options.enrol:
                for strategy, numbers in identified(data, people, count):
                    print(f"{f'{count}, {strategy}':24}{numbers}", flush=True)


def active_models() -> str:
    """Return the current models and threshold for display."""
    from django.conf import settings

    from vision import get_engine

    engine = get_engine(settings.VISION)
    return f"{engine.model}, threshold {engine.entry.assignment_threshold}"


def identified(data: Path, people: dict[str, list[Path]], count: int) -> Iterator[tuple[str, str]]:
    """Enrol everyone with ``count`` photos, cluster and match the rest; yield strategy and line."""
    from django.conf import settings

    from assignments.api.matching import _match_response
    from assignments.serializers import MatchQuery

    rest = {name: enrolled(name, photos, count) for name, photos in people.items()}
    path = f"photos/rest{count}"
    for name, photos in rest.items():
        target = data / "buckets" / path / name
        target.mkdir(parents=True)
        for photo in photos:
            shutil.copy(photo, target)
    run = clustered(path)
    shown, vectors = faces_shown(run)
    rank_one = np.mean([best == name for name, best in nearest_profiles(run, shown, vectors)])
    for strategy in ("centroid", "vote"):
        query = MatchQuery(data={"strategy": strategy, "dry_run": True})
        query.is_valid(raise_exception=True)
        answer = _match_response(run, query.validated_data, engine=settings.VISION)
        given = {label: one["user_id"] for label, one in answer["assignments"].items()}
        yield strategy, line(rest, shown, given, rank_one=float(rank_one))


def enrolled(name: str, photos: list[Path], count: int) -> list[Path]:
    """Enrol a person with the first accepted photos; return the remaining photos."""
    from django.conf import settings

    from profiles.context import profile_stores
    from profiles.errors import PhotoRefused
    from profiles.photo_check import check_photo
    from profiles.selectors import find_profile, list_references
    from profiles.services import enrol_profile, update_profile
    from vision import get_engine

    by = {"force": False, "stores": profile_stores(), "by": "benchmark"}
    taken: list[Path] = []
    for photo in photos:
        if len(taken) == count:
            break
        try:
            judged = check_photo(
                photo.read_bytes(),
                engine=get_engine(settings.VISION),
                thresholds=settings.VISION.thresholds,
            )
        except PhotoRefused:
            continue
        if find_profile(name) is None:
            enrol_profile(name, judged, name=name, **by)
        else:
            update_profile(name, judged, mode="add", **by)
        taken.append(photo)
    assert len(list_references(find_profile(name))) == count, f"{name} has too few good photos"
    return [photo for photo in photos if photo not in taken]


def clustered(path: str) -> Any:
    """Run a collection to its end and return the finished run."""
    from django.conf import settings

    from clustering.context import active_run_models, build_context
    from clustering.parameters import RunParameters
    from clustering.pipeline.step import NextTask, run_step
    from clustering.run_lifecycle import create_run
    from clustering.selectors import get_run
    from storage.buckets import open_bucket
    from storage.names import CollectionName

    name = CollectionName.parse(path)
    run = create_run(
        name,
        parameters=RunParameters(),
        bucket=open_bucket(name.bucket),
        models=active_run_models(),
        started_by="benchmark",
    )
    step = NextTask.AGAIN
    while step != NextTask.NOTHING:
        step = run_step(get_run(run.id), build_context=build_context, runs_kept=settings.RUNS_KEPT)
    finished = get_run(run.id)
    assert finished.state == "finished", finished.failure
    return finished


def faces_shown(run: Any) -> tuple[dict[str, tuple[str, str, str]], dict[str, np.ndarray]]:
    """Return person, face id and cluster ("" outside the run) by photo, and the vectors."""
    from clustering.selectors import iter_collection_faces, iter_collection_images, iter_members
    from storage.vectors import face_vector_store

    places = {member.face: member.cluster for member in iter_members(run)}
    middles = {
        one.key: (one.width / 2, one.height / 2) for one in iter_collection_images(run.collection)
    }
    found: dict[str, tuple[float, Any]] = {}
    for face in iter_collection_faces(run.collection):
        x, y, width, height = face.bbox
        middle_x, middle_y = middles[face.key]
        off = (x + width / 2 - middle_x) ** 2 + (y + height / 2 - middle_y) ** 2
        found[face.key] = min(
            found.get(face.key, (np.inf, None)), (off, face), key=lambda one: one[0]
        )
    shown = {
        key: (key.split("/")[-2], face.id, places.get(face.id, ""))
        for key, (_, face) in found.items()
    }
    ids = [face for _, face, _ in shown.values()]
    return shown, face_vector_store().retrieve(run.embedder, ids)


def nearest_profiles(
    run: Any, shown: dict[str, tuple[str, str, str]], vectors: dict[str, np.ndarray]
) -> Iterator[tuple[str, str]]:
    """Yield the person of each photo, and the user id of the most similar template."""
    from profiles.gallery import load_gallery

    table = load_gallery(run.embedder)
    for name, face, _ in shown.values():
        yield name, table.user_ids[int(np.argmax(table.templates @ vectors[face]))]


def line(
    rest: dict[str, list[Path]],
    shown: dict[str, tuple[str, str, str]],
    given: dict[str, str],
    *,
    rank_one: float,
) -> str:
    """Return the table row of one strategy."""
    photos = sum(map(len, rest.values()))
    named = [(name, given.get(label, "")) for name, _, label in shown.values()]
    right = sum(name == user for name, user in named)
    wrong = sum(bool(user) and name != user for name, user in named)
    within: dict[str, Counter[str]] = {}
    for name, _, label in shown.values():
        within.setdefault(label, Counter())[name] += 1
    clusters = sum(
        user != within[label].most_common(1)[0][0]
        for label, user in given.items()
        if label in within
    )
    return (
        f"{photos:7}{right:7}{wrong:7}{photos - right - wrong:8}{right / photos:14.3f}"
        f"{clusters:16}{rank_one:8.3f}"
    )


if __name__ == "__main__":
    main()
