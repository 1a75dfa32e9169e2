"""Sample documents; the examples of the OpenAPI document are rendered from them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from faceadmin.active_models import ActiveThresholds
from vision import CATALOGUE, ModelRow, QualityThresholds
from web.models import ApiKey

SECRET = "Vq3tZb8k.pSoKrx1DC0lIyNqcuBHkRjBZUNEkYrzr"
KEY = ApiKey(
    prefix="Vq3tZb8k",
    name="nightly import",
    role="reviewer",
    created=datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
)
THRESHOLDS = ActiveThresholds(
    QualityThresholds(min_face_size=30, min_confidence=0.4, blur_threshold=50),
    CATALOGUE["facenet512"],
    "yolov8n-face",
    "facenet512",
    "YOLOv8 with FaceNet, whose files are installed.",
)
MODEL = ModelRow(
    id="centerface",
    job=CATALOGUE["centerface"].job,
    licence=CATALOGUE["centerface"].licence,
    sha256=CATALOGUE["centerface"].sha256,
    path=Path("/srv/models/centerface.onnx"),
    is_sound=True,
    is_active=True,
)
