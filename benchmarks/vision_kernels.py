"""Cost of a photo on one thread: decoding, the two graphs, and everything around them.

Run: python -m benchmarks.vision_kernels PHOTO [DETECTOR ...]; FACEADMIN_MODELS names the models.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from vision import EngineSettings, FaceEngine, get_engine
from vision.detectors import CenterFace, Yolov8

ROUNDS = 25
PIXELS = 1_900_000


def milliseconds(work: Callable[[], object]) -> float:
    """Return the CPU time of the median round, after a warm-up."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        rounds.append(time.process_time() - start)
    return float(np.median(rounds)) * 1000


def photo_of(path: Path) -> bytes:
    """Return the photo as a JPEG of 1.9 megapixels."""
    pixels = cv2.imread(str(path))
    if pixels is None:
        raise SystemExit(f"{path} is no photo.")
    scale = (PIXELS / (pixels.shape[0] * pixels.shape[1])) ** 0.5
    sized = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", sized, [cv2.IMWRITE_JPEG_QUALITY, 92])[1])


def kernels_of(engine: FaceEngine, data: bytes) -> dict[str, float]:
    """Return the cost of the whole in ms, and of decoding and the two graphs alone."""
    noise = np.random.default_rng(0)
    image = engine.decode(data)
    graph = cast(Yolov8 | CenterFace, engine._detector)
    shape = (1, 3, *graph.shape_for(*image.pixels.shape[:2]))
    inputs = noise.uniform(0, 1 if isinstance(graph, Yolov8) else 255, shape).astype(np.float32)
    side, many = engine._embedder.side, len(engine.faces([image])[0])
    crops = noise.integers(0, 255, (many, side, side, 3), np.uint8)
    return {
        "decode": milliseconds(lambda: engine.decode(data)),
        "detector graph": milliseconds(lambda: graph.session.run(inputs)),
        "embedder graph": milliseconds(lambda: engine._embedder.embed(crops)),
        "whole": milliseconds(lambda: engine.faces([engine.decode(data)])),
    }


def main(photo: str, *detectors: str) -> None:
    """Print a line for each detector."""
    data = photo_of(Path(photo))
    places = tuple(Path(place) for place in os.environ.get("FACEADMIN_MODELS", "").split(":"))
    for detector in detectors or ("centerface",):
        engine = get_engine(
            EngineSettings(detector=detector, embedder="dlib-resnet", models=places)
        )
        costs = kernels_of(engine, data)
        around = 2 * costs["whole"] - sum(costs.values())  # the whole is one of the values
        parts = ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
        print(f"{detector}: {parts} ms; around the kernels {around:.1f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
