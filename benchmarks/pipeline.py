"""Photos per second: the whole pipeline, the sum of its kernels, and dlib's pipeline, side by side.

`python benchmarks/pipeline.py FOLDER [--photos 40] [--megapixels 1.9] [--rounds 3] [--threads 1]`

FOLDER contains photos; each is first resized to the same number of pixels, once, so that the rows
of the table are comparable between machines and folders. The whole pipeline is a run as workers
execute it: listing, reading, decoding, detecting, embedding, crops, vectors and documents, in the
embedded stores. The kernels are the decoding of the same photos, and the two graphs on the same
tensors, nothing else. dlib's pipeline needs `pip install -r benchmarks/requirements.txt`.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2
import numpy as np

COLLECTION = "photos/all"


def main() -> None:
    """Measure and print the table."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="faceadmin-benchmark-") as folder:
        data = Path(folder)
        photos = photos_prepare(options, data / "buckets" / COLLECTION)
        configure(options, data)
        with stores(data):
            rows = [measure(options, photos, round_) for round_ in range(options.rounds)]
        report(options, len(photos), rows)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--copies", type=int, default=1, help="of each photo, encoded otherwise")
    parser.add_argument("--megapixels", type=float, default=1.9)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of each ONNX session")
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--embedder", default="auto")
    parser.add_argument("--models", default="", help="as FACEADMIN_MODELS")
    parser.add_argument("--without-dlib", action="store_true")
    return parser.parse_args()


def photos_prepare(options: argparse.Namespace, target: Path) -> list[Path]:
    """Write the photos at their common size and return their paths."""
    target.mkdir(parents=True)
    found = sorted(path for path in options.folder.rglob("*") if path.suffix in {".jpg", ".jpeg"})
    for number, source in enumerate(found[: options.photos]):
        pixels = cv2.imread(str(source))
        grown = (options.megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
        how = cv2.INTER_CUBIC if grown > 1 else cv2.INTER_AREA
        resized = cv2.resize(pixels, None, fx=grown, fy=grown, interpolation=how)
        for copy in range(options.copies):
            quality = [cv2.IMWRITE_JPEG_QUALITY, 90 - copy]
            cv2.imwrite(str(target / f"{number:04d}-{copy}.jpg"), resized, quality)
    return sorted(target.iterdir())


def configure(options: argparse.Namespace, data: Path) -> None:
    """Set up Django on a temporary data folder."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "faceadmin.settings",
        "FACEADMIN_DATA": str(data),
        "FACEADMIN_PORT": "9317",
        "BUCKETS_ROOT": str(data / "buckets"),
        "FACEADMIN_DETECTOR": options.detector,
        "FACEADMIN_EMBEDDER": options.embedder,
        "FACEADMIN_MODELS": options.models,
        "FACEADMIN_THREADS": str(options.threads),
    }
    import django

    django.setup()
    from django.conf import settings

    from vision import select_models

    select_models(settings.VISION, may_fetch=True)


class stores:  # noqa: N801 - used like a function: with stores(...)
    """Context manager that runs the embedded stores."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._running = []

    def __enter__(self) -> None:
        import subprocess

        from faceadmin.runtime.services import local_services

        (self._data / "run").mkdir()
        for service in local_services(web=False):
            if service.name == "workers":
                continue
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = subprocess.Popen(service.command(), cwd=ROOT, **quiet)
            self._running.append(process)
            while not service.is_ready(process.pid):
                time.sleep(0.05)

    def __exit__(self, *_error: object) -> None:
        for process in self._running:
            process.terminate()
            process.wait()


def measure(options: argparse.Namespace, photos: list[Path], round_: int) -> dict[str, float]:
    """Return the seconds of one round by name."""
    return {
        "whole pipeline": whole_pipeline(),
        **kernels(photos),
        **({} if options.without_dlib or round_ else {"dlib's pipeline": dlib_seconds(photos)}),
    }


def whole_pipeline() -> float:
    """Return the seconds of a run that reads every photo again, in this process."""
    from django.conf import settings

    from clustering.context import active_run_models, build_context
    from clustering.parameters import RunParameters
    from clustering.pipeline.step import NextTask, run_step
    from clustering.run_lifecycle import create_run
    from clustering.selectors import get_run
    from storage.buckets import open_bucket
    from storage.names import CollectionName

    name = CollectionName.parse(COLLECTION)
    models = active_run_models()
    run = create_run(
        name,
        parameters=RunParameters(full=True),
        bucket=open_bucket(name.bucket),
        models=models,
        started_by="benchmark",
    )
    build_context(run).engine.faces([])
    started = time.perf_counter()
    while (
        run_step(get_run(run.id), build_context=build_context, runs_kept=settings.RUNS_KEPT)
        != NextTask.NOTHING
    ):
        pass
    seconds = time.perf_counter() - started
    finished = get_run(run.id)
    assert finished.state == "finished", finished.failure
    return seconds


def kernels(photos: list[Path]) -> dict[str, float]:
    """Return the seconds of decoding, and of the two graphs on the recorded tensors."""
    from django.conf import settings

    from vision import get_engine

    engine = get_engine(settings.VISION)
    encoded = [path.read_bytes() for path in photos]
    started = time.perf_counter()
    decoded = [engine.decode(data) for data in encoded]
    seconds = {"decode": time.perf_counter() - started}
    with recorded() as calls:
        for first in range(0, len(decoded), 8):
            engine.faces(decoded[first : first + 8])
    for session, tensor in calls:
        started = time.perf_counter()
        session.run(tensor)
        graph = session.path.stem
        seconds[graph] = seconds.get(graph, 0.0) + time.perf_counter() - started
    return seconds


@contextmanager
def recorded() -> Iterator[list[tuple[object, np.ndarray]]]:
    """Record every tensor that is passed to a graph."""
    from vision.models.sessions import Session

    calls: list[tuple[object, np.ndarray]] = []
    run = Session.run

    def noting(session: Session, tensor: np.ndarray) -> list[np.ndarray]:
        calls.append((session, tensor))
        return run(session, tensor)

    Session.run = noting
    try:
        yield calls
    finally:
        Session.run = run


def dlib_seconds(photos: list[Path]) -> float:
    """Return the seconds of dlib's pipeline over the photos."""
    from benchmarks.dlib_pipeline import DlibPipeline

    pipeline = DlibPipeline(ROOT / "var" / "benchmark-models")
    started = time.perf_counter()
    for path in photos:
        pipeline.vectors(path.read_bytes())
    return time.perf_counter() - started


def report(options: argparse.Namespace, photos: int, rows: list[dict[str, float]]) -> None:
    """Print medians and the two ratios."""
    from django.conf import settings

    from vision import get_engine

    medians = {
        name: statistics.median(row[name] for row in rows if name in row)
        for name in dict.fromkeys(name for row in rows for name in row)
    }
    whole = medians.pop("whole pipeline")
    dlib = medians.pop("dlib's pipeline", None)
    kernel_sum = sum(medians.values())
    print(
        f"{get_engine(settings.VISION).model}: {photos} photos of {options.megapixels} megapixels,"
    )
    print(f"{options.threads} thread(s) a graph, medians of {options.rounds} rounds\n")
    line = "{:32} {:>10.1f} ms a photo {:>8.1f} photos/s".format
    for name, seconds in medians.items():
        print(line(f"kernel: {name}"[:32], 1000 * seconds / photos, photos / seconds))
    print(line("sum of the kernels", 1000 * kernel_sum / photos, photos / kernel_sum))
    print(line("whole pipeline, one worker", 1000 * whole / photos, photos / whole))
    print(f"\nwhole pipeline / sum of its kernels: {whole / kernel_sum:.2f}")
    if dlib is not None:
        print(line("dlib's pipeline", 1000 * dlib / photos, photos / dlib))
        print(f"dlib's pipeline / whole pipeline: {dlib / whole:.1f}")


if __name__ == "__main__":
    main()
