"""Face detection and embedding: the public API of the package. Independent of Django and stores."""

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
from vision.images import DecodedImage, ImageLimits, decode_image, encode_crop, is_crop_intact
from vision.models.catalogue import CATALOGUE, Job, ModelEntry
from vision.models.files import fetch, fetch_archive, model_path
from vision.models.selection import ModelPair, active_pair, select_models
from vision.previews import PREVIEW_SIDE, encode_preview
from vision.quality import FaceQuality, QualityThresholds, rejection_reason
from vision.report import ModelRow, ModelShapes, report_models, verify_model

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
    "ModelPair",
    "ModelRefused",
    "ModelRow",
    "ModelShapes",
    "NotAnImage",
    "QualityThresholds",
    "UnreadableImage",
    "VisionError",
    "active_pair",
    "decode_image",
    "encode_crop",
    "encode_preview",
    "fetch",
    "fetch_archive",
    "get_engine",
    "is_crop_intact",
    "model_path",
    "rejection_reason",
    "report_models",
    "select_models",
    "verify_model",
]
