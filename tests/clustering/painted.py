"""Photos that tests paint, and an engine that reads them: faces without any model.

The first row of a painted photo holds a pixel per face: red is the person, green how blurred.
Everything around the engine (buckets, stores, documents, the grouping) is the real thing.
"""

import io
from types import SimpleNamespace

import numpy as np
from PIL import ExifTags
from PIL import Image as PillowImage

from vision import (
    DecodedImage,
    DetectedFace,
    FaceQuality,
    ImageLimits,
    QualityThresholds,
    UnreadableImage,
    decode_image,
    rejection_reason,
)

DIMENSION = 32
SHARP = 200
BLURRED = 10


def painted_photo(*people, blurred=(), shade=0, taken=""):
    """Return a PNG with a face of each person; ``shade`` makes the content another one.

    ``taken`` is what its EXIF says of the time, as YYYY:MM:DD HH:MM:SS.
    """
    pixels = np.full((8, 32, 3), 255 - shade, np.uint8)
    for column, person in enumerate(people):
        pixels[0, column] = (person, BLURRED if person in blurred else SHARP, 0)
    pixels[0, len(people)] = (0, 0, 255)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG", **({"exif": _exif(taken)} if taken else {}))
    return out.getvalue()


def _exif(taken):
    exif = PillowImage.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    return exif.tobytes()


class PaintedSettings:
    limits = ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000, max_side=4_000)
    thresholds = QualityThresholds(min_face_size=1, min_confidence=0.1, blur_threshold=50)


class PaintedEngine:
    """Reads painted photos; counts what it decodes."""

    detector_id = "painted"
    embedder_id = "painted-vectors"
    model = "painted+painted-vectors"
    dimension = DIMENSION
    settings = PaintedSettings
    entry = SimpleNamespace(cluster_eps=0.1)

    def __init__(self):
        self.decoded = 0
        self.before_faces = lambda: None

    def decode(self, data):
        self.decoded += 1
        return decode_image(data, limits=self.settings.limits)

    def faces(self, images):
        self.before_faces()
        return [list(self._faces(image)) for image in images]

    def _faces(self, image: DecodedImage):
        for column, (person, blur, end) in enumerate(image.pixels[0].tolist()):
            if end:
                return
            yield self._face(person, float(blur), column, shade=int(image.pixels[7, 31, 0]))
        raise UnreadableImage("Not a painted photo.")

    def _face(self, person, blur, column, *, shade):
        quality = FaceQuality(size=100.0, confidence=0.9, blur=blur, pose=1.0, score=0.8)
        return DetectedFace(
            bbox=(float(column), 0.0, 1.0, 1.0),
            landmarks=np.zeros((5, 2), np.float32),
            confidence=0.9,
            quality=quality,
            reason=rejection_reason(quality, self.settings.thresholds),
            vector=person_vector(person, variation=shade * 31 + column),
            crop=np.zeros((8, 8, 3), np.uint8),
        )


def person_vector(person, *, variation):
    """Return a unit vector near the person's own direction."""
    towards = np.random.default_rng(person).normal(size=DIMENSION)
    towards /= np.linalg.norm(towards)
    noise = np.random.default_rng((person, variation)).normal(size=DIMENSION) * 0.01
    vector = (towards + noise).astype(np.float32)
    return vector / np.linalg.norm(vector)
