"""GET and DELETE /debug-profile/{user_id}: stored data of a person, and its erasure."""

from __future__ import annotations

from typing import ClassVar, TypedDict

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assignments.answers import UserTotals, user_totals_json
from assignments.selectors import (
    iter_current_assignments,
    list_user_assignments,
    map_groups_to_runs,
)
from profiles.answers import ProfileDetail, profile_detail_json
from profiles.context import profile_stores
from profiles.erasure_log import ErasureLogUnavailable
from profiles.errors import NoSuchProfile
from profiles.examples import DETAIL
from profiles.selectors import get_profile, list_references
from profiles.serializers import BadUserId, check_user_id
from profiles.services import Counts
from review.people.erase import Pending, PersonReceipt, PersonReferences, erase_person
from web.rest import Api, format_time
from web.roles import Role
from web.schema import operation


class InMongodb(TypedDict):
    """Documents of a person; the vectors are part of the profile and of the reference photos.

    A decision that named the person stays, without the name. `import_lines` counts lines
    and imports.
    """

    profiles: int
    reference_photos: int
    vectors: int
    assignments: int
    decisions: int
    import_lines: int


class InFiles(TypedDict):
    """Files of a person: the photos as they were sent, the faces cut out of them, and log files."""

    photos: int
    crops: int
    log_files: int


class InLoginDatabase(TypedDict):
    """Rows that named the person.

    Kept answers to repeated requests, waiting messages, failed logins, failed tasks.
    """

    kept_answers: int
    messages: int
    login_attempts: int
    failed_tasks: int


class ByStore(TypedDict):
    """Number of records of a person in each store."""

    mongodb: InMongodb
    files: InFiles
    login_database: InLoginDatabase


class StillPending(TypedDict):
    """What was still going on: an `import`, a `request`, a `file` in use, or another `erasure`."""

    kind: str
    detail: str
    import_id: str
    status_url: str | None


class ErasureReceipt(TypedDict):
    """What an erasure removed from which store, what a look afterwards still found, what goes on.

    `complete` is true if nothing was left and nothing that is going on can name the person. An
    incomplete erasure is finished by itself once what is pending has ended; DELETE may be repeated.
    """

    user_id: str
    erased_at: str
    complete: bool
    detail: str
    pending: list[StillPending]
    removed: ByStore
    left: ByStore


ERASED = "Nothing of this person is left."
INCOMPLETE = (
    "Not everything is erased yet. It is finished by itself once what is pending has ended; "
    "send DELETE again to see."
)
TOTALS: UserTotals = {
    "user_id": "ada",
    "total_clusters": 1,
    "total_faces": 23,
    "average_similarity": 0.957,
    "bucket_breakdown": {"photos/summer-2024": {"clusters": 1, "faces": 23}},
}
REMOVED: ByStore = {
    "mongodb": {
        "profiles": 1,
        "reference_photos": 2,
        "vectors": 3,
        "assignments": 4,
        "decisions": 0,
        "import_lines": 2,
    },
    "files": {"photos": 2, "crops": 2, "log_files": 0},
    "login_database": {
        "kept_answers": 1,
        "messages": 0,
        "login_attempts": 0,
        "failed_tasks": 0,
    },
}
LEFT: ByStore = {
    "mongodb": {
        "profiles": 0,
        "reference_photos": 0,
        "vectors": 0,
        "assignments": 0,
        "decisions": 0,
        "import_lines": 0,
    },
    "files": {"photos": 0, "crops": 0, "log_files": 0},
    "login_database": {
        "kept_answers": 0,
        "messages": 0,
        "login_attempts": 0,
        "failed_tasks": 0,
    },
}


class PersonDetail(ProfileDetail):
    """A profile with its reference photos, and the person's totals in all collections."""

    assignments: UserTotals


class DebugProfileApi(Api):
    """All stored data of a person, for admins."""

    roles: ClassVar = {"GET": Role.ADMIN, "DELETE": Role.ADMIN}

    @operation(
        "Read all of a person",
        answers={200: PersonDetail},
        refuses=(BadUserId, NoSuchProfile),
        example={**DETAIL, "assignments": TOTALS},
        tag="profiles",
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return the profile, its photos and a summary of its assignments."""
        profile = get_profile(check_user_id(user_id))
        current = iter_current_assignments(
            list_user_assignments(profile.user_id), map_groups_to_runs()
        )
        body: PersonDetail = {
            **profile_detail_json(profile, list_references(profile)),
            "assignments": user_totals_json(profile.user_id, current),
        }
        return Response(body)

    @operation(
        "Erase a person",
        answers={200: ErasureReceipt},
        refuses=(BadUserId, NoSuchProfile, ErasureLogUnavailable),
        example={
            "user_id": "ada",
            "erased_at": "2026-05-02T11:00:00.000Z",
            "complete": True,
            "detail": ERASED,
            "pending": [],
            "removed": REMOVED,
            "left": LEFT,
        },
        tag="profiles",
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Remove photos, crops, vectors, assignments, template and all that names the person.

        Imports and requests that were accepted before cannot bring the person back; the same id may
        be enrolled again by a new request when the erasure is complete. Safe to repeat.
        """
        receipt = erase_person(check_user_id(user_id), stores=profile_stores())
        return Response(receipt_json(user_id, receipt))


def receipt_json(user_id: str, receipt: PersonReceipt) -> ErasureReceipt:
    """Return the response for an erasure."""
    profile = receipt.profile
    return {
        "user_id": user_id,
        "erased_at": format_time(timezone.now()),
        "complete": receipt.is_complete,
        "detail": ERASED if receipt.is_complete else INCOMPLETE,
        "pending": [_pending_json(one) for one in receipt.pending],
        "removed": _by_store(profile.removed, receipt.removed),
        "left": _by_store(profile.left, receipt.left),
    }


def _pending_json(one: Pending) -> StillPending:
    """Return what is still going on, with the address to look at it."""
    url = reverse("import_api", kwargs={"import_id": one.import_id}) if one.import_id else None
    return {"kind": one.kind, "detail": one.detail, "import_id": one.import_id, "status_url": url}


def _by_store(counts: Counts, around: PersonReferences) -> ByStore:
    return {
        "mongodb": {
            "profiles": counts.templates,
            "reference_photos": counts.references,
            "vectors": counts.templates + counts.references,
            "assignments": around.assignments,
            "decisions": around.decisions,
            "import_lines": around.import_lines,
        },
        "files": {
            "photos": counts.photos,
            "crops": counts.crops,
            "log_files": around.log_files,
        },
        "login_database": {
            "kept_answers": around.answers,
            "messages": around.messages,
            "login_attempts": around.login_attempts,
            "failed_tasks": around.failed_tasks,
        },
    }
