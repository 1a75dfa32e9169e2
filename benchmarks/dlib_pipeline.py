"""The pipeline of the package face_recognition, written with dlib alone.

Its defaults: HOG detector with one upsampling, 68 landmarks, dlib's ResNet without jitter.
"""

from pathlib import Path

import cv2
import dlib
import numpy as np

from vision import fetch_archive

PROJECT, VERSION = "face_recognition_models", "0.3.0"
SHA256 = "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf"
LANDMARKS = "shape_predictor_68_face_landmarks.dat"
RESNET = "dlib_face_recognition_resnet_model_v1.dat"


class DlibPipeline:
    """Returns the vectors of one photo at a time."""

    def __init__(self, cache: Path) -> None:
        if not all(any(cache.rglob(name)) for name in (LANDMARKS, RESNET)):
            fetch_archive(
                PROJECT,
                VERSION,
                SHA256,
                pick=lambda member: Path(member).name in (LANDMARKS, RESNET),
                target=cache,
            )
        files = {name: next(cache.rglob(name)) for name in (LANDMARKS, RESNET)}
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(files[LANDMARKS]))
        self._resnet = dlib.face_recognition_model_v1(str(files[RESNET]))

    def vectors(self, data: bytes) -> list[np.ndarray]:
        """Return the vectors of the faces in an encoded photo."""
        pixels = cv2.cvtColor(
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
        )
        faces = self._detector(pixels, 1)
        return [
            np.asarray(self._resnet.compute_face_descriptor(pixels, self._landmarks(pixels, face)))
            for face in faces
        ]
