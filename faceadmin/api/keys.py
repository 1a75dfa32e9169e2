"""API keys: create, list by prefix, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceadmin.api import examples
from faceadmin.outputs import KeyRowOutput, KeyRowsOutput
from storage.errors import Conflict, Missing
from web.auth import create_key
from web.models import ApiKey
from web.pagination import decode_cursor, encode_cursor
from web.rest import Api, parse_json, parse_query
from web.roles import Role
from web.schema import operation


class NoSuchKey(Missing):
    """No key has this prefix."""

    code = "no_such_key"


class OwnKey(Conflict):
    """A key cannot revoke itself; another admin's key, or a person, can."""

    code = "own_key"


class KeyInput(serializers.Serializer):
    """Purpose, role and lifetime of a key."""

    name = serializers.CharField(max_length=50, help_text="The purpose of the key.")
    role = serializers.ChoiceField(
        choices=[role.value for role in Role], help_text="What the key may do."
    )
    expires_in_days = serializers.IntegerField(
        min_value=1,
        max_value=36500,
        required=False,
        allow_null=True,
        help_text="Days until it expires; never without it.",
    )


class KeysQuery(serializers.Serializer):
    """A page of the keys."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        max_length=500,
        required=False,
        help_text="`next` of the page before; the first page without it.",
    )


class KeysApi(Api):
    """All keys."""

    roles: ClassVar = {"GET": Role.ADMIN, "POST": Role.ADMIN}
    secret_fields = ("key",)

    @operation(
        "List the keys",
        answers={200: KeyRowsOutput},
        query=KeysQuery,
        example=lambda: KeyRowsOutput.render(keys=[examples.KEY], next=None),
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return a page of keys, without their secrets."""
        query = parse_query(request, KeysQuery).validated_data
        after, limit = decode_cursor(query.get("cursor"), within=""), query["limit"]
        found = list(ApiKey.objects.filter(prefix__gt=after).order_by("prefix")[: limit + 1])
        page = found[:limit]
        return Response(
            KeyRowsOutput.render(
                keys=page,
                next=encode_cursor(page[-1].prefix) if len(found) > limit else None,
            )
        )

    @operation(
        "Create a key",
        answers={201: KeyRowOutput},
        json=KeyInput,
        body_example={"name": "nightly import", "role": "reviewer", "expires_in_days": 365},
        example=lambda: KeyRowOutput.render(examples.KEY, key=examples.SECRET),
        tag="admin",
    )
    def post(self, request: Request) -> Response:
        """Create a key and show its secret once; only the hash is stored."""
        given = parse_json(request, KeyInput).validated_data
        days = given.get("expires_in_days")
        expires = None if days is None else timezone.now() + timedelta(days=days)
        key, secret = create_key(given["name"], Role(given["role"]), expires=expires)
        return Response(KeyRowOutput.render(key, key=secret), status=201)


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
