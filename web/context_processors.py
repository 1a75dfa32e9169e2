"""Context processor: the viewer's role."""

from __future__ import annotations

from django.http import HttpRequest

from web.auth import role_of
from web.roles import Role


def roles(request: HttpRequest) -> dict[str, object]:
    """Return the viewer's role and what it permits."""
    role = role_of(getattr(request, "user", None))
    return {
        "role": role,
        "may_review": role is not None and role.includes(Role.REVIEWER),
        "may_administer": role is not None and role.includes(Role.ADMIN),
    }
