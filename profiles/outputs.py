"""Answers about profiles. None contains a vector."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.serializers import (
    BooleanField,
    CharField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
)

from profiles.documents import Profile, ReferencePhoto
from web.output import NEXT, FirstField, Output, TimeField

BOX = "Left, top, width and height of the face in pixels of the upright photo."
CONFIDENCE = "The detector's confidence, 0 to 1."
QUALITY = "Quality of the face, 0 to 1."
BLUR = "Variance of the Laplacian of the face; low values are blurred."
MODEL = "The detector and the embedder, joined by a plus sign."
USER_ID = "The person's id."
VERSION = "Grows with each change of the profile."


class EnrolledPhotoOutput(Output):
    """A photo that is now a reference photo of a person."""

    user_id = CharField(help_text=USER_ID)
    has_face = BooleanField(help_text="Always true: the photo was accepted.")
    message = CharField(help_text="What was done, as a sentence.")
    face_quality = FloatField(source="quality_score", help_text=QUALITY)
    confidence = FloatField(help_text=CONFIDENCE)
    reason = CharField(allow_null=True, help_text="Always null: the photo was accepted.")
    face_id = CharField(source="id", help_text="The id of the reference photo.")
    bbox = ListField(child=FloatField(), help_text=BOX)
    model = CharField(help_text=MODEL)
    checks = ListField(child=CharField(), help_text="The quality checks, as sentences.")
    reference_photos = IntegerField(help_text="Number of the person's reference photos.")
    version = IntegerField(help_text=VERSION)

    def get_has_face(self, _photo: ReferencePhoto) -> bool:
        return True

    def get_reason(self, _photo: ReferencePhoto) -> None:
        return None


class QualityMetricsOutput(Output):
    """Quality of the best face of a refused photo, and the thresholds."""

    face_size = ListField(
        child=IntegerField(), allow_null=True, help_text="Width and height in pixels."
    )
    confidence = FloatField(allow_null=True, help_text=CONFIDENCE)
    blur_score = FloatField(allow_null=True, help_text=BLUR)
    min_size_required = FloatField(help_text="Least shorter side of a face in pixels.")
    min_confidence_required = FloatField(help_text="Least confidence, 0 to 1.")
    blur_threshold = FloatField(help_text="Least variance of the Laplacian.")


class FaceSeenOutput(Output):
    """A face in a refused photo; `reason` says why it is not usable."""

    bbox = ListField(child=FloatField(), help_text=BOX)
    confidence = FloatField(help_text=CONFIDENCE)
    reason = CharField(allow_null=True, help_text="Why it is not usable; null if it is usable.")


class PhotoSeenOutput(Output):
    """Everything detected in a refused photo."""

    quality_metrics = QualityMetricsOutput(help_text="Quality of the best face, and thresholds.")
    detailed_checks = ListField(child=CharField(), help_text="The quality checks, as sentences.")
    faces = FaceSeenOutput(many=True, help_text="All faces that were detected.")


class RefusedPhotoOutput(Output):
    """Why a photo cannot be used: `no_face`, `several_faces` or `poor_face`, and the detections."""

    detail = CharField(help_text="Why the photo was refused, as a sentence.")
    code = CharField(help_text="Why the photo was refused, for programs.")
    user_id = CharField(required=False, help_text="The person's id in the request.")
    has_face = BooleanField(required=False, help_text="Whether a face was detected.")
    message = CharField(required=False, help_text="The same as `detail`.")
    reason = CharField(required=False, help_text="The same as `code`.")
    debug_info = PhotoSeenOutput(required=False, help_text="What was detected in the photo.")
    errors = DictField(
        child=ListField(child=CharField()), required=False, help_text="Messages by field."
    )


class DebugProfileRowOutput(Output):
    """A profile, for admins."""

    user_id = CharField(help_text=USER_ID)
    name = CharField(help_text="The person's name; may be empty.")
    embedding_size = IntegerField(source="dimension", help_text="Dimensions of the embedding.")
    model = CharField(help_text=MODEL)
    reference_photos = IntegerField(help_text="Number of reference photos.")
    confidence = FloatField(help_text=CONFIDENCE)
    quality_score = FloatField(help_text=QUALITY)
    created_at = TimeField(help_text="When the person was enrolled.")
    updated_at = TimeField(help_text="When the profile changed last.")
    has_bbox = BooleanField(help_text="Always true: each reference photo has a face.")

    def get_reference_photos(self, profile: Profile) -> int:
        return len(profile.references)

    def get_has_bbox(self, _profile: Profile) -> bool:
        return True


class DebugProfileRowsOutput(Output):
    """A page of all profiles by id."""

    total_profiles = IntegerField(help_text="Number of all profiles.")
    profiles = DebugProfileRowOutput(many=True, help_text="The profiles of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class ProfileRowOutput(Output):
    """A known person; `crop_url` is the face of the first photo."""

    user_id = CharField(help_text=USER_ID)
    name = CharField(help_text="The person's name; may be empty.")
    reference_photos = IntegerField(help_text="Number of reference photos.")
    quality_score = FloatField(help_text=QUALITY)
    model = CharField(help_text=MODEL)
    version = IntegerField(help_text=VERSION)
    created_at = TimeField(help_text="When the person was enrolled.")
    updated_at = TimeField(help_text="When the profile changed last.")
    crop_url = CharField(help_text="Path of the face in the first reference photo.")

    def get_reference_photos(self, profile: Profile) -> int:
        return len(profile.references)

    def get_crop_url(self, profile: Profile) -> str:
        return crop_url(profile.user_id, profile.references[0])


class ProfileRowsOutput(Output):
    """A page of people."""

    profiles = ProfileRowOutput(many=True, help_text="The people of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class ReferenceRowOutput(Output):
    """A reference photo of a person; `bbox` is in pixels of the upright photo."""

    face_id = CharField(source="id", help_text="The id of the reference photo.")
    bbox = ListField(child=FloatField(), help_text=BOX)
    width = IntegerField(help_text="Width of the upright photo in pixels.")
    height = IntegerField(help_text="Height of the upright photo in pixels.")
    confidence = FloatField(help_text=CONFIDENCE)
    quality_score = FloatField(help_text=QUALITY)
    size = FloatField(help_text="Shorter side of the face in pixels.")
    blur = FloatField(help_text=BLUR)
    pose = FloatField(help_text="1 for a frontal face, less for a face that is turned away.")
    model = CharField(help_text=MODEL)
    created_at = TimeField(help_text="When the photo was added.")
    added_by = CharField(help_text="The account or key that added the photo.")
    crop_url = CharField(help_text="Path of the face in this photo.")

    def get_crop_url(self, photo: ReferencePhoto) -> str:
        return crop_url(photo.user_id, photo.id)


class ProfileDetailOutput(DebugProfileRowOutput):
    """A person with all reference photos, in the order in which they were added."""

    embedder = CharField(help_text="The embedder of the reference photos.")
    version = IntegerField(help_text=VERSION)
    created_by = CharField(help_text="The account or key that enrolled the person.")
    photos = ReferenceRowOutput(many=True, help_text="The reference photos.")


class ProfilesRepairDoneOutput(Output):
    """Counts of what a repair changed."""

    leftovers_removed = IntegerField(help_text="Photos without a profile that were removed.")
    profiles_recomputed = IntegerField(help_text="Profiles whose template was computed again.")


class ProfilesStorageOutput(Output):
    """Whether profiles, photos and files are consistent; lists hold at most 1000 ids."""

    consistent = BooleanField(source="is_consistent", help_text="Whether all lists are empty.")
    profiles = IntegerField(help_text="Number of profiles.")
    reference_photos = IntegerField(source="references", help_text="Number of reference photos.")
    leftovers = FirstField(help_text="Photos without a profile.")
    erasing = FirstField(help_text="People whose erasure is unfinished.")
    incomplete_profiles = FirstField(
        source="incomplete", help_text="People with a reference photo whose document is missing."
    )
    missing_photos = FirstField(help_text="Photos whose file is missing.")
    missing_crops = FirstField(help_text="Photos whose face crop is missing.")
    damaged_photos = FirstField(help_text="Photos whose file is damaged.")
    damaged_crops = FirstField(help_text="Photos whose face crop is damaged.")
    repair = ProfilesRepairDoneOutput(required=False, help_text="What the repair changed.")


def crop_url(user_id: str, reference_id: str) -> str:
    """Return the path of the face of a reference photo."""
    return reverse("profile_crop_api", kwargs={"user_id": user_id, "face_id": reference_id})
