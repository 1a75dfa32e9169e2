"""Authentication and authorisation: sessions for pages, keys for clients, roles for both."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from web.htmx import came_from
from web.models import ApiKey
from web.roles import Role
from web.throttling import FailureKind, count_failure

SCHEMES = (b"token", b"bearer")
LAST_USED_GRAIN = timedelta(minutes=1)  # one write a minute and key, not one a request


class KeyUser:
    """A client with a key: the attributes of a user that Django REST framework needs."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, key: ApiKey) -> None:
        self.pk = f"key:{key.prefix}"
        self.name = key.name
        self.role = Role(key.role)

    def __str__(self) -> str:
        return self.name


class KeyAuthentication(BaseAuthentication):
    """``Authorization: Token <key>`` or ``Bearer <key>``.

    A valid key is accepted however many wrong ones came from its address. To look one up is cheap,
    one indexed query and a SHA-512, so each request can be checked.
    """

    def authenticate(self, request: Request) -> tuple[KeyUser, ApiKey] | None:
        """Return the key's user; None without such a header, so that the session is tried next."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() not in SCHEMES:
            return None
        try:
            (secret,) = (part.decode("ascii") for part in parts[1:])
        except ValueError as error:  # not one word, or not ASCII
            count_failure(request, FailureKind.KEY)
            raise AuthenticationFailed("Write the header as: Authorization: Token <key>") from error
        key = find_key(secret)
        if key is None:
            count_failure(request, FailureKind.KEY)
            raise AuthenticationFailed("This key is unknown, expired or revoked.")
        _record_use(key)
        return KeyUser(key), key

    def authenticate_header(self, request: Request) -> str:
        """Say which scheme a client should use."""
        return "Token"


def create_key(name: str, role: Role, *, expires: datetime | None = None) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which is not stored."""
    key, secret = ApiKey.objects.create_key(name=name, role=role.value, expiry_date=expires)
    return key, secret


def find_key(secret: str) -> ApiKey | None:
    """Return the key of a secret; None if it is unknown, revoked or expired."""
    try:
        key: ApiKey = ApiKey.objects.get_from_key(secret)
    except ApiKey.DoesNotExist:
        return None
    return None if key.has_expired else key


def role_of(user: Any) -> Role | None:
    """Return the highest role of a user or key; None if not authenticated or without a role."""
    if user is None or not user.is_authenticated:
        return None
    if isinstance(user, KeyUser):
        return user.role
    if user.is_superuser:
        return Role.ADMIN
    names = set(user.groups.values_list("name", flat=True))
    held = [role for role in Role if role.value in names]
    return held[-1] if held else None


def caller_name(request: HttpRequest | Request) -> str:
    """Return the caller's name for records of their actions."""
    return str(request.user)


def check_role(request: HttpRequest | Request, needed: Role) -> None:
    """Raise PermissionDenied unless the caller's role includes ``needed``."""
    held = role_of(request.user)
    if held is None or not held.includes(needed):
        raise PermissionDenied(f"This needs the role {needed.value}.")


class HoldsRole(BasePermission):
    """Admit a caller whose role includes the one that the resource's method needs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Compare the caller's role with the needed one, which the error message names."""
        needed: Role = view.role_needed(request.method)
        self.message = f"This needs the role {needed.value}."
        held = role_of(request.user)
        return held is not None and held.includes(needed)


View = Callable[..., HttpResponse]


def role_required(role: Role) -> Callable[[View], View]:
    """Restrict a page to a role and those that include it; anonymous users have to log in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _redirect_to_login(request)
            check_role(request, role)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _redirect_to_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page and back; htmx needs a client redirect to leave the page."""
    if request.htmx:
        shown = request.htmx.current_url_abs_path or "/"
        return HttpResponseClientRedirect(redirect_to_login(shown).url, status=401)
    is_page = request.method == "GET"
    back = request.get_full_path() if is_page else came_from(request, otherwise="/")
    return redirect_to_login(back)


def _record_use(key: ApiKey) -> None:
    """Store when a key was used, to the minute."""
    now = timezone.now()
    if key.last_used is None or now - key.last_used > LAST_USED_GRAIN:
        with suppress(DatabaseError):  # a full disk must not refuse read requests
            ApiKey.objects.filter(pk=key.pk).update(last_used=now)
