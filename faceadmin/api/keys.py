"""API keys: create, list by prefix, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, NotRequired, TypedDict

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from storage.errors import Conflict, Missing
from web.auth import create_key
from web.models import ApiKey
from web.pagination import decode_cursor, encode_cursor
from web.rest import Api, format_time_or_null, parse_json, parse_query
from web.roles import Role
from web.schema import operation

EXAMPLE = {
    "prefix": "Vq3tZb8k",
    "name": "nightly import",
    "role": "reviewer",
    "created_at": "2026-05-01T09:30:00.000Z",
    "expires_at": None,
    "last_used": None,
    "is_revoked": False,
    "is_expired": False,
}


class NoSuchKey(Missing):
    """No key has this prefix."""

    code = "no_such_key"


class OwnKey(Conflict):
    """A key cannot revoke itself; another admin's key, or a person, can."""

    code = "own_key"


class KeyRow(TypedDict):
    """A key without its secret; `key`, the secret, is only in the answer that creates it."""

    prefix: str
    name: str
    role: str
    created_at: str
    expires_at: str | None
    last_used: str | None
    is_revoked: bool
    is_expired: bool
    key: NotRequired[str | None]


class KeyRows(TypedDict):
    """Keys by prefix."""

    keys: list[KeyRow]
    next: str | None


class KeyInput(serializers.Serializer):
    """Purpose, role and lifetime of a key."""

    name = serializers.CharField(max_length=50)
    role = serializers.ChoiceField(choices=[role.value for role in Role])
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=36500, required=False, allow_null=True
    )


class KeysQuery(serializers.Serializer):
    """A page of the keys."""

    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)
    cursor = serializers.CharField(max_length=500, required=False)


class KeysApi(Api):
    """All keys."""

    roles: ClassVar = {"GET": Role.ADMIN, "POST": Role.ADMIN}
    secret_fields = ("key",)

    @operation(
        "List the keys",
        answers={200: KeyRows},
        query=KeysQuery,
        example={"keys": [EXAMPLE], "next": None},
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return a page of keys, without their secrets."""
        query = parse_query(request, KeysQuery).validated_data
        after, limit = decode_cursor(query.get("cursor"), within=""), query["limit"]
        found = list(ApiKey.objects.filter(prefix__gt=after).order_by("prefix")[: limit + 1])
        page = found[:limit]
        return Response(
            KeyRows(
                keys=[key_json(key) for key in page],
                next=encode_cursor(page[-1].prefix) if len(found) > limit else None,
            )
        )

    @operation(
        "Create a key",
        answers={201: KeyRow},
        json=KeyInput,
        body_example={"name": "nightly import", "role": "reviewer", "expires_in_days": 365},
        example={**EXAMPLE, "key": "Vq3tZb8k.pSoKrx1DC0lIyNqcuBHkRjBZUNEkYrzr"},
        tag="admin",
    )
    def post(self, request: Request) -> Response:
        """Create a key and show its secret once; only the hash is stored."""
        given = parse_json(request, KeyInput).validated_data
        days = given.get("expires_in_days")
        expires = None if days is None else timezone.now() + timedelta(days=days)
        key, secret = create_key(given["name"], Role(given["role"]), expires=expires)
        return Response({**key_json(key), "key": secret}, status=201)


class KeyApi(Api):
    """One key."""

    roles: ClassVar = {"DELETE": Role.ADMIN}

    @operation("Revoke a key", answers={204: None}, refuses=(NoSuchKey, OwnKey), tag="admin")
    def delete(self, request: Request, prefix: str) -> Response:
        """Revoke the key; its row stays for reference."""
        if isinstance(request.auth, ApiKey) and request.auth.prefix == prefix:
            raise OwnKey("A key cannot revoke itself; use another one, or log in.")
        if not ApiKey.objects.filter(prefix=prefix).update(revoked=True):
            raise NoSuchKey("There is no key with this prefix.")
        return Response(status=204)


def key_json(key: ApiKey) -> KeyRow:
    """Return a key without its secret."""
    return {
        "prefix": key.prefix,
        "name": key.name,
        "role": key.role,
        "created_at": format_time_or_null(key.created) or "",
        "expires_at": format_time_or_null(key.expiry_date),
        "last_used": format_time_or_null(key.last_used),
        "is_revoked": key.revoked,
        "is_expired": key.has_expired,
    }
