"""Examples of answers in the OpenAPI document."""

from __future__ import annotations

from profiles.answers import (
    DebugProfileRow,
    EnrolledPhoto,
    ProfileDetail,
    ProfileRow,
    ProfilesStorage,
    ReferenceRow,
)

MODEL = "yolov8n-face+facenet512"
FACE_ID = "1f0c1a54-7b3c-4a58-9a2e-0d6c6f3f7b11"
CROP_URL = f"/api/v1/profiles/ada/photos/{FACE_ID}/crop/"
BOX = [120.5, 64.0, 96.25, 120.75]
CREATED, UPDATED = "2026-05-01T09:30:00.000Z", "2026-05-02T11:00:00.000Z"

ENROLLED: EnrolledPhoto = {
    "user_id": "ada",
    "has_face": True,
    "message": "ada is enrolled with this photo.",
    "face_quality": 0.81,
    "confidence": 0.93,
    "reason": None,
    "face_id": FACE_ID,
    "bbox": BOX,
    "model": MODEL,
    "checks": ["Size OK: 120x96 >= 30", "Confidence OK: 0.93 >= 0.4", "Sharpness OK: 412.50 >= 50"],
    "reference_photos": 1,
    "version": 1,
}
DEBUG_ROW: DebugProfileRow = {
    "user_id": "ada",
    "name": "Ada Lovelace",
    "embedding_size": 512,
    "model": MODEL,
    "reference_photos": 1,
    "confidence": 0.93,
    "quality_score": 0.81,
    "created_at": CREATED,
    "updated_at": UPDATED,
    "has_bbox": True,
}
ROW: ProfileRow = {
    "user_id": "ada",
    "name": "Ada Lovelace",
    "reference_photos": 1,
    "quality_score": 0.81,
    "model": MODEL,
    "version": 2,
    "created_at": CREATED,
    "updated_at": UPDATED,
    "crop_url": CROP_URL,
}
PHOTO: ReferenceRow = {
    "face_id": FACE_ID,
    "bbox": BOX,
    "width": 640,
    "height": 480,
    "confidence": 0.93,
    "quality_score": 0.81,
    "size": 96.25,
    "blur": 412.5,
    "pose": 0.9,
    "model": MODEL,
    "created_at": CREATED,
    "added_by": "grace",
    "crop_url": CROP_URL,
}
DETAIL: ProfileDetail = {
    **DEBUG_ROW,
    "embedder": "facenet512",
    "version": 2,
    "created_by": "grace",
    "photos": [PHOTO],
}
STORAGE: ProfilesStorage = {
    "consistent": True,
    "profiles": 1,
    "reference_photos": 1,
    "leftovers": [],
    "erasing": [],
    "incomplete_profiles": [],
    "missing_photos": [],
    "missing_crops": [],
    "damaged_photos": [],
    "damaged_crops": [],
}
