"""REST resources of profiles: open engine and stores, parse, call a service, answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from profiles import examples, outputs, selectors, services
from profiles.consistency import ProfilesRepair, check_profiles, repair_profiles
from profiles.context import profile_stores
from profiles.documents import Profile, ReferencePhoto
from profiles.enrolment import check_one_photo, find_people
from profiles.errors import (
    LastPhoto,
    LooksLikeAnother,
    NoFace,
    NoSuchPhoto,
    NoSuchProfile,
    NotTheSamePerson,
    PersonErased,
    PoorFace,
    ProfileBusy,
    ProfileErasing,
    ProfileExists,
    SeveralFaces,
    TooManyPhotos,
)
from profiles.photo_check import CheckedPhoto
from profiles.serializers import (
    BadUserId,
    DebugProfilesQuery,
    EnrolForm,
    PhotoForm,
    ProfileChange,
    ProfilesQuery,
    UpdateForm,
    check_user_id,
)
from profiles.tombstones import current_fence
from storage.errors import ModelMismatch, ObjectVanished
from vision import EmptyFile, ImageTooLarge, ModelMissing, NotAnImage, UnreadableImage
from web.auth import caller_name
from web.pagination import decode_cursor, encode_cursor
from web.parsers import OneKind
from web.rest import Api, parse_form, parse_json, parse_query, picture_response
from web.roles import Role
from web.schema import operation

CACHE_ONE_DAY = "private, max-age=86400"  # an erasure cannot reach a browser's cache
FORM_BYTES = 100_000  # of a request without its file
PHOTO_REFUSALS: tuple[type[Exception], ...] = (
    NoFace,
    SeveralFaces,
    PoorFace,
    EmptyFile,
    UnreadableImage,
    NotAnImage,
    ImageTooLarge,
    ModelMissing,
)


class PhotoApi(Api):
    """A resource that accepts a photo of a person."""

    parser_classes = (MultiPartParser,)

    def body_limit(self) -> int:
        """Return the largest request in bytes: the photo and the other form fields."""
        return int(settings.UPLOAD_MAX_BYTES) + FORM_BYTES


class DetectFaceApi(PhotoApi):
    """Enrolment of a person with a photo."""

    @operation(
        "Enrol a person by a photo",
        answers={201: outputs.EnrolledPhotoOutput, 422: outputs.RefusedPhotoOutput},
        form=EnrolForm,
        example=lambda: _example("ada is enrolled with this photo."),
        refuses=(
            BadUserId,
            ProfileExists,
            LooksLikeAnother,
            ProfileErasing,
            PersonErased,
            *PHOTO_REFUSALS,
        ),
        tag="profiles",
    )
    def post(self, request: Request) -> Response:
        """Create the profile of a new person from a photo with exactly one good face."""
        form = parse_form(request, EnrolForm)
        user_id, fence = form.validated_data["user_id"], current_fence()
        photo = _judged(form, user_id)
        enrolled = services.enrol_profile(
            user_id,
            photo,
            name=form.validated_data["name"],
            force=form.validated_data["force"],
            stores=profile_stores(),
            by=caller_name(request),
            fence=fence,
        )
        return Response(
            _accepted(enrolled, f"{user_id} is enrolled with this photo.", photo.checks),
            status=201,
            headers={"Location": reverse("profile_api", kwargs={"user_id": user_id})},
        )


class UpdateFaceApi(PhotoApi):
    """Further photos of a known person."""

    @operation(
        "Add a photo to a person, or replace all",
        answers={200: outputs.EnrolledPhotoOutput, 422: outputs.RefusedPhotoOutput},
        form=UpdateForm,
        example=lambda: _example("ada has 1 reference photo."),
        refuses=(
            BadUserId,
            NoSuchProfile,
            NotTheSamePerson,
            LooksLikeAnother,
            ModelMismatch,
            ProfileBusy,
            PersonErased,
            ProfileErasing,
            TooManyPhotos,
            *PHOTO_REFUSALS,
        ),
        tag="profiles",
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Add a photo to the person's reference photos, or replace all of them."""
        check_user_id(user_id)
        form, fence = parse_form(request, UpdateForm), current_fence()
        selectors.get_profile(user_id)  # before the photo is decoded
        photo = _judged(form, user_id)
        enrolled = services.update_profile(
            user_id,
            photo,
            mode=form.validated_data["mode"],
            force=form.validated_data["force"],
            stores=profile_stores(),
            by=caller_name(request),
            fence=fence,
        )
        count = len(enrolled.profile.references)
        message = f"{user_id} has {count} reference photo{'s' if count > 1 else ''}."
        return Response(_accepted(enrolled, message, photo.checks))


class DebugProfilesApi(Api):
    """All profiles, for admins."""

    roles: ClassVar = {"GET": Role.ADMIN}

    @operation(
        "List all profiles",
        answers={200: outputs.DebugProfileRowsOutput},
        query=DebugProfilesQuery,
        example=lambda: outputs.DebugProfileRowsOutput.render(
            total_profiles=1, profiles=[examples.PROFILE], next=None
        ),
        tag="profiles",
    )
    def get(self, request: Request) -> Response:
        """Return a page of profiles by id, and the total number of profiles."""
        query = parse_query(request, DebugProfilesQuery).validated_data
        after = decode_cursor(query.get("cursor"), within="place:")
        found = selectors.list_profiles(after=after, limit=query["limit"])
        return Response(
            outputs.DebugProfileRowsOutput.render(
                total_profiles=selectors.count_profiles(),
                profiles=found.profiles,
                next=_next(found),
            )
        )


class ProfilesApi(Api):
    """The known people."""

    @operation(
        "List people, or find them by name or id",
        answers={200: outputs.ProfileRowsOutput},
        query=ProfilesQuery,
        example=lambda: outputs.ProfileRowsOutput.render(profiles=[examples.PROFILE], next=None),
        tag="profiles",
    )
    def get(self, request: Request) -> Response:
        """Return a page of people; `q` is a prefix of their name or id, in any case."""
        query = parse_query(request, ProfilesQuery).validated_data
        found = find_people(query["q"], cursor=query.get("cursor"), limit=query["limit"])
        return Response(
            outputs.ProfileRowsOutput.render(profiles=found.profiles, next=_next(found))
        )


class ProfileApi(Api):
    """A person."""

    @operation(
        "Read a person",
        answers={200: outputs.ProfileDetailOutput},
        refuses=(BadUserId, NoSuchProfile),
        example=lambda: outputs.ProfileDetailOutput.render(
            examples.PROFILE, photos=[examples.PHOTO]
        ),
        tag="profiles",
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return the person and their reference photos."""
        return Response(_detail(selectors.get_profile(check_user_id(user_id))))

    @operation(
        "Rename a person",
        answers={200: outputs.ProfileDetailOutput},
        json=ProfileChange,
        body_example={"name": "Ada Lovelace"},
        refuses=(BadUserId, NoSuchProfile),
        example=lambda: outputs.ProfileDetailOutput.render(
            examples.PROFILE, photos=[examples.PHOTO]
        ),
        tag="profiles",
    )
    def patch(self, request: Request, user_id: str) -> Response:
        """Change the name; the id stays."""
        check_user_id(user_id)
        name = parse_json(request, ProfileChange).validated_data["name"]
        return Response(_detail(services.rename_profile(user_id, name)))


class ProfilePhotoApi(Api):
    """A reference photo of a person."""

    @operation(
        "Remove a reference photo",
        answers={204: None},
        refuses=(BadUserId, NoSuchProfile, NoSuchPhoto, LastPhoto, ProfileBusy),
        tag="profiles",
    )
    def delete(self, request: Request, user_id: str, face_id: str) -> Response:
        """Remove photo, crop and vector; the last reference photo of a person cannot be removed."""
        services.drop_reference(check_user_id(user_id), face_id, stores=profile_stores())
        return Response(status=204)


class ProfileCropApi(Api):
    """The face in a reference photo."""

    content_negotiation_class = OneKind

    @operation(
        "See the face in a reference photo",
        answers={
            (200, "image/jpeg"): {
                "type": "string",
                "format": "binary",
                "description": "A JPEG.",
            },
        },
        refuses=(BadUserId, NoSuchProfile, NoSuchPhoto, ObjectVanished),
        tag="profiles",
    )
    def get(self, request: Request, user_id: str, face_id: str) -> HttpResponseBase:
        """Return the face as a JPEG."""
        profile = selectors.get_profile(check_user_id(user_id))
        reference = selectors.get_reference(profile, face_id)
        return picture_response(
            request,
            lambda: profile_stores().crops.read(reference.id),
            tag=reference.id,
            content_type="image/jpeg",
            cache=CACHE_ONE_DAY,
        )


class ProfilesVerifyApi(Api):
    """The consistency of profiles, photos and files."""

    roles: ClassVar = {"GET": Role.ADMIN, "POST": Role.ADMIN}

    @operation(
        "Compare profiles, photos and files",
        answers={200: outputs.ProfilesStorageOutput},
        example=lambda: outputs.ProfilesStorageOutput.render(examples.REPORT),
        tag="profiles",
    )
    def get(self, request: Request) -> Response:
        """Look for what a crash left behind; changes nothing."""
        report = check_profiles(profile_stores(), now=timezone.now())
        return Response(outputs.ProfilesStorageOutput.render(report))

    @operation(
        "Remove what a crash left behind",
        answers={200: outputs.ProfilesStorageOutput},
        example=lambda: outputs.ProfilesStorageOutput.render(
            examples.REPORT, repair=ProfilesRepair(leftovers_removed=1, profiles_recomputed=0)
        ),
        tag="profiles",
    )
    def post(self, request: Request) -> Response:
        """Remove photos without a profile, then compare again."""
        stores = profile_stores()
        done = repair_profiles(check_profiles(stores, now=timezone.now()), stores)
        report = check_profiles(stores, now=timezone.now())
        return Response(outputs.ProfilesStorageOutput.render(report, repair=done))


def _judged(form: PhotoForm, user_id: str) -> CheckedPhoto:
    return check_one_photo(
        form.validated_data["file"], user_id=user_id, thresholds=form.thresholds()
    )


def _accepted(enrolled: services.Enrolled, message: str, checks: Sequence[str]) -> dict[str, Any]:
    return outputs.EnrolledPhotoOutput.render(
        enrolled.reference,
        message=message,
        checks=checks,
        reference_photos=len(enrolled.profile.references),
        version=enrolled.profile.version,
    )


def _example(message: str) -> dict[str, Any]:
    enrolled = services.Enrolled(examples.PROFILE, examples.PHOTO)
    return _accepted(enrolled, message, examples.CHECKS)


def _detail(profile: Profile) -> dict[str, Any]:
    references: list[ReferencePhoto] = selectors.list_references(profile)
    return outputs.ProfileDetailOutput.render(profile, photos=references)


def _next(found: selectors.FoundProfile) -> str | None:
    return encode_cursor(found.next_sort_key) if found.next_sort_key is not None else None
