"""Sample documents; the examples of the OpenAPI document are rendered from them."""

from __future__ import annotations

import numpy as np

from assignments.api.examples import COLLECTION, FACE, MOMENT, RUN, RUN_DOCUMENT
from clustering.decisions.documents import Decision
from clustering.decisions.events import EventKind
from profiles.services import Counts, Receipt
from review.api.outputs import DecisionRowOutput
from review.people.erase import PersonReceipt, PersonReferences
from review.search.clusters import ClusterHit
from review.search.people import PersonHit, PhotoHit
from review.search.photo import FaceResult, PhotoResult
from vision import DetectedFace, FaceQuality
from web.output import Answer

DECISION = Decision(
    id="0f3a9b1c2d4e5f6700000012",
    seq=12,
    collection=COLLECTION,
    kind=EventKind.REJECT,
    by="eve",
    at=MOMENT,
    run=RUN,
    faces=[FACE],
    moved=[FACE],
    person="9c1f0a7745b0e1d2c3b4a596",
)
RECEIPT = PersonReceipt(
    profile=Receipt(
        "ada",
        removed=Counts(photos=2, crops=2, references=2, templates=1),
        left=Counts(photos=0, crops=0, references=0, templates=0),
    ),
    removed=PersonReferences(assignments=4, import_lines=2, answers=1),
    left=PersonReferences(),
)
SEARCH = PhotoResult(
    width=1600,
    height=1200,
    embedder="facenet512",
    faces=[
        FaceResult(
            face=DetectedFace(
                bbox=(410.0, 220.5, 118.0, 150.25),
                landmarks=None,
                confidence=0.93,
                quality=FaceQuality(size=118.0, confidence=0.93, blur=310.5, pose=0.91, score=0.88),
                reason=None,
                vector=np.zeros(0, np.float32),
                crop=np.zeros((0, 0, 3), np.uint8),
            ),
            checks=[
                "Size OK: 150x118 >= 30",
                "Confidence OK: 0.93 >= 0.4",
                "Sharpness OK: 310.50 >= 50",
            ],
            reason=None,
            people=[
                PersonHit(
                    user_id="ada.lovelace",
                    name="Ada Lovelace",
                    similarity=0.957,
                    margin=0.41,
                    photo=PhotoHit("8d1f2f0e-53a8-4c1b-9a55-3c9a0c4f2b10", 0.962),
                )
            ],
            clusters=[
                ClusterHit(
                    run=RUN_DOCUMENT,
                    label="cluster_0",
                    face=FACE,
                    similarity=0.971,
                    face_count=23,
                    user_id="ada.lovelace",
                )
            ],
        )
    ],
    other_profiles=0,
    other_collections=0,
)


def decision(**values: object) -> Answer:
    """Return the decision as an answer, with other values by field."""
    return DecisionRowOutput.render(DECISION, **values)
