"""Quality check of enrolment photos."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from profiles.errors import NoFace, PoorFace, SeveralFaces
from profiles.photo_check import check_photo, list_quality_checks
from tests.profiles.painted import SAME_PERSON, PeopleEngine, photo_of
from vision import (
    DetectedFace,
    EmptyFile,
    FaceQuality,
    NotAnImage,
    QualityThresholds,
    UnreadableImage,
)

NORMAL = QualityThresholds(30, 0.4, 50)


def judged(*people, thresholds=NORMAL, **kind):
    return check_photo(photo_of(*people, **kind), engine=PeopleEngine(), thresholds=thresholds)


def face(*, width=96.0, height=120.0, confidence=0.93, blur=412.5):
    quality = FaceQuality(min(width, height), confidence, blur, pose=1.0, score=0.8)
    return DetectedFace(
        (1.0, 2.0, width, height),
        None,
        confidence,
        quality,
        None,
        np.zeros(4, np.float32),
        np.zeros((8, 8, 3), np.uint8),
    )


def test_one_good_face_is_taken():
    photo = judged(1)

    assert photo.digest == hashlib.sha256(photo_of(1)).hexdigest()
    assert photo.data == photo_of(1)
    assert (photo.width, photo.height) == (32, 8)
    assert (photo.embedder, photo.model) == ("painted-vectors", "painted+painted-vectors")
    assert photo.same_person_threshold == SAME_PERSON
    assert photo.checks == [
        "Size OK: 120x100 >= 30",
        "Confidence OK: 0.90 >= 0.4",
        "Sharpness OK: 200.00 >= 50",
    ]


def test_no_face_is_refused():
    with pytest.raises(NoFace) as refused:
        judged()

    metrics = refused.value.extra["debug_info"]["quality_metrics"]
    assert refused.value.extra["has_face"] is False
    assert metrics["face_size"] is metrics["confidence"] is metrics["blur_score"] is None


def test_two_good_faces_are_refused():
    with pytest.raises(SeveralFaces) as refused:
        judged(1, 2)

    assert refused.value.extra["has_face"] is True
    assert len(refused.value.extra["debug_info"]["faces"]) == 2


def test_a_poor_face_beside_a_good_one_does_not_count():
    photo = judged(1, 2, blurred={2})

    assert photo.face.vector @ judged(1).face.vector > SAME_PERSON


def test_a_poor_face_is_refused_with_what_fails():
    with pytest.raises(PoorFace) as refused:
        judged(1, blurred={1})

    seen = refused.value.extra["debug_info"]
    assert seen["detailed_checks"][2] == "Too blurry: 10.00 < 50"
    assert seen["quality_metrics"] == {
        "face_size": [120, 100],
        "confidence": 0.9,
        "blur_score": 10.0,
        "min_size_required": 30,
        "min_confidence_required": 0.4,
        "blur_threshold": 50,
    }
    assert "Too blurry: 10.00 < 50" in refused.value.extra["reason"]


def test_several_faces_that_are_all_poor_are_one_poor_photo():
    with pytest.raises(PoorFace):
        judged(1, 2, blurred={1, 2})


class Scored(PeopleEngine):
    """Faces are the better the higher their number."""

    def _face(self, person, blur, column, *, shade):
        face = super()._face(person, blur, column, shade=shade)
        quality = replace(face.quality, score=person / 10)
        return replace(face, quality=quality, confidence=person / 10)


@pytest.mark.parametrize(
    ("blurred", "refusal", "best"),
    [({1, 5, 2}, PoorFace, 0.5), ({5, 2}, None, 0.1), ({5}, SeveralFaces, 0.2)],
)
def test_the_best_of_several_faces_is_told_about(blurred, refusal, best):
    data = photo_of(1, 5, 2, blurred=blurred)
    if refusal is None:
        judged = check_photo(data, engine=Scored(), thresholds=NORMAL)
        assert judged.face.confidence == best
        return

    with pytest.raises(refusal) as refused:
        check_photo(data, engine=Scored(), thresholds=NORMAL)

    seen = refused.value.extra["debug_info"]
    assert seen["quality_metrics"]["confidence"] == best
    assert seen["faces"] == [
        {
            "bbox": [10.0, 5.0, 100.0, 120.5],
            "confidence": number / 10,
            "reason": "too_blurry" if number in blurred else None,
        }
        for number in (1, 5, 2)
    ]


def test_what_just_meets_its_threshold_passes():
    checks = list_quality_checks(
        face(width=30.0, height=30.0, confidence=0.4, blur=50.0), QualityThresholds(30, 0.4, 50)
    )

    assert checks == [
        "Size OK: 30x30 >= 30",
        "Confidence OK: 0.40 >= 0.4",
        "Sharpness OK: 50.00 >= 50",
    ]


def test_what_just_fails_never_reads_like_its_threshold():
    checks = list_quality_checks(
        face(width=29.9, height=40.0, confidence=0.3999, blur=49.999),
        QualityThresholds(30, 0.4, 50),
    )

    assert checks == [
        "Too small: 40x29 < 30",
        "Confidence too low: 0.39 < 0.4",
        "Too blurry: 49.99 < 50",
    ]


def test_checks_read_as_documented():
    checks = list_quality_checks(face(blur=12.34), QualityThresholds(30, 0.4, 50))

    assert checks[0] == "Size OK: 120x96 >= 30"
    assert checks[2] == "Too blurry: 12.34 < 50"


@pytest.mark.parametrize(
    ("data", "refusal"),
    [(b"", EmptyFile), (b"words", NotAnImage), (photo_of(1)[:60], UnreadableImage)],
)
def test_invalid_images_are_rejected_by_vision(data, refusal):
    with pytest.raises(refusal):
        check_photo(data, engine=PeopleEngine(), thresholds=NORMAL)
