"""What other thresholds would do, on faces that are made up."""

from clustering.threshold_preview import SHOWN, MeasuredFace, preview_thresholds
from vision import FaceQuality, QualityThresholds

NOW = QualityThresholds(min_face_size=30, min_confidence=0.4, blur_threshold=50)


def face(name, *, size=100, confidence=0.9, blur=100):
    return MeasuredFace(name, FaceQuality(size, confidence, blur, pose=1, score=0.5))


def names(faces):
    return [one.id for one in faces]


def test_it_counts_who_passes_and_why_the_others_do_not():
    faces = [face("good"), face("small", size=40), face("unsure", confidence=0.5)]
    faces += [face("blurred", blur=60), face("poor", size=10)]

    tried = preview_thresholds(faces, NOW, QualityThresholds(50, 0.6, 80))

    assert (tried.faces, tried.kept_now, tried.kept) == (5, 4, 1)
    assert tried.reasons == {"too_small": 2, "low_confidence": 1, "too_blurry": 1}
    assert names(tried.lost) == ["small", "unsure", "blurred"]
    assert tried.gained == []


def test_it_lists_the_faces_gained_by_lower_thresholds():
    tried = preview_thresholds(
        [face("good"), face("poor", size=10)], NOW, QualityThresholds(5, 0, 0)
    )

    assert names(tried.gained) == ["poor"]
    assert tried.lost == []


def test_a_value_that_just_meets_its_threshold_passes():
    tried = preview_thresholds(
        [face("just", size=30, confidence=0.4, blur=50)], NOW, QualityThresholds(30, 0.4, 50)
    )

    assert (tried.kept_now, tried.kept) == (1, 1)


def test_it_shows_a_few_of_many_and_none_of_none():
    many = [face(str(number)) for number in range(SHOWN + 5)]

    tried = preview_thresholds(many, NOW, QualityThresholds(min_face_size=9999))

    assert len(tried.lost) == SHOWN
    assert tried.reasons == {"too_small": SHOWN + 5}
    assert preview_thresholds([], NOW, NOW).faces == 0
