"""GET and DELETE /debug-profile/{user_id}: stored data of a person, and its erasure."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assignments.api import examples as assignment_examples
from assignments.selectors import (
    iter_current_assignments,
    list_user_assignments,
    map_groups_to_runs,
)
from assignments.totals import count_user
from profiles import examples as profile_examples
from profiles.context import profile_stores
from profiles.erasure_log import ErasureLogUnavailable
from profiles.errors import NoSuchProfile
from profiles.selectors import get_profile, list_references
from profiles.serializers import BadUserId, check_user_id
from review.api import examples
from review.api.outputs import ErasureReceiptOutput, PersonDetailOutput
from review.people.erase import erase_person
from web.rest import Api
from web.roles import Role
from web.schema import operation


class DebugProfileApi(Api):
    """All stored data of a person, for admins."""

    roles: ClassVar = {"GET": Role.ADMIN, "DELETE": Role.ADMIN}

    @operation(
        "Read all of a person",
        answers={200: PersonDetailOutput},
        refuses=(BadUserId, NoSuchProfile),
        example=lambda: PersonDetailOutput.render(
            profile_examples.PROFILE,
            photos=[profile_examples.PHOTO],
            assignments=count_user("ada", [assignment_examples.ASSIGNMENT]),
        ),
        tag="profiles",
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return the profile, its photos and a summary of its assignments."""
        profile = get_profile(check_user_id(user_id))
        current = iter_current_assignments(
            list_user_assignments(profile.user_id), map_groups_to_runs()
        )
        return Response(
            PersonDetailOutput.render(
                profile,
                photos=list_references(profile),
                assignments=count_user(profile.user_id, current),
            )
        )

    @operation(
        "Erase a person",
        answers={200: ErasureReceiptOutput},
        refuses=(BadUserId, NoSuchProfile, ErasureLogUnavailable),
        example=lambda: ErasureReceiptOutput.render(
            examples.RECEIPT, user_id="ada", erased_at=examples.MOMENT
        ),
        tag="profiles",
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Remove photos, crops, vectors, assignments, template and all that names the person.

        Imports and requests that were accepted before cannot bring the person back; the same id may
        be enrolled again by a new request when the erasure is complete. Safe to repeat.
        """
        receipt = erase_person(check_user_id(user_id), stores=profile_stores())
        return Response(
            ErasureReceiptOutput.render(receipt, user_id=user_id, erased_at=timezone.now())
        )
