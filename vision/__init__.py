"""Pixels in, faces out: the public surface of the vision floor. No Django, no stores."""

from vision.catalogue import CATALOGUE, Job, ModelEntry
from vision.engine import DetectedFace, EngineSettings, FaceEngine, get_engine
from vision.errors import (
    DownloadFailed,
    EmptyFile,
    ImageTooLarge,
    ModelMissing,
    ModelRefused,
    NotAnImage,
    UnreadableImage,
    VisionError,
)
from vision.images import DecodedImage, ImageLimits, crop_encode, crop_is_whole, image_decode
from vision.pair import Pair, choose_pair, pair_in_force
from vision.previews import PREVIEW_SIDE, preview_encode
from vision.quality import FaceQuality, QualityThresholds, refusal
from vision.report import ModelRow, ModelShapes, model_verify, models_report
from vision.weights import archive_fetch, fetch, model_path

__all__ = [
    "CATALOGUE",
    "PREVIEW_SIDE",
    "DecodedImage",
    "DetectedFace",
    "DownloadFailed",
    "EmptyFile",
    "EngineSettings",
    "FaceEngine",
    "FaceQuality",
    "ImageLimits",
    "ImageTooLarge",
    "Job",
    "ModelEntry",
    "ModelMissing",
    "ModelRefused",
    "ModelRow",
    "ModelShapes",
    "NotAnImage",
    "Pair",
    "QualityThresholds",
    "UnreadableImage",
    "VisionError",
    "archive_fetch",
    "choose_pair",
    "crop_encode",
    "crop_is_whole",
    "fetch",
    "get_engine",
    "image_decode",
    "model_path",
    "model_verify",
    "models_report",
    "pair_in_force",
    "preview_encode",
    "refusal",
]
