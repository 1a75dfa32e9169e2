"""Sample documents; the examples of the OpenAPI document are rendered from them."""

from __future__ import annotations

from datetime import UTC, datetime

from profiles.consistency import ProfilesReport
from profiles.documents import Profile, ReferencePhoto

FACE_ID = "1f0c1a54-7b3c-4a58-9a2e-0d6c6f3f7b11"
CREATED, UPDATED = datetime(2026, 5, 1, 9, 30, tzinfo=UTC), datetime(2026, 5, 2, 11, tzinfo=UTC)
MODEL, EMBEDDER = "yolov8n-face+facenet512", "facenet512"

PROFILE = Profile(
    user_id="ada",
    name="Ada Lovelace",
    references=[FACE_ID],
    embedder=EMBEDDER,
    model=MODEL,
    dimension=512,
    confidence=0.93,
    quality_score=0.81,
    version=2,
    created_at=CREATED,
    updated_at=UPDATED,
    created_by="grace",
)
PHOTO = ReferencePhoto(
    id=FACE_ID,
    user_id="ada",
    model=MODEL,
    embedder=EMBEDDER,
    bbox=[120.5, 64.0, 96.25, 120.75],
    confidence=0.93,
    size=96.25,
    blur=412.5,
    pose=0.9,
    quality_score=0.81,
    width=640,
    height=480,
    created_at=CREATED,
    added_by="grace",
)
CHECKS = ["Size OK: 120x96 >= 30", "Confidence OK: 0.93 >= 0.4", "Sharpness OK: 412.50 >= 50"]
REPORT = ProfilesReport(profiles=1, references=1)
