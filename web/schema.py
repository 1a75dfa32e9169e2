"""OpenAPI: parameters, answers and refusals of an operation, declared beside the operation.

``@operation(...)`` takes answers as outputs, parameters as serializers and refusals as exception
classes; their docstrings and help texts are the documentation. Refusals common to all operations
are added here.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers

from storage.errors import StoreUnavailable
from web import idempotency
from web.errors import (
    AddressTooLong,
    BodyTooLarge,
    HeadersTooLong,
    NotValid,
    code_of,
    status_of,
)
from web.output import Output
from web.throttling import TooManyFailures

Answers = Mapping[Any, Any]  # by status, or by status and content type


class ErrorOutput(Output):
    """An error: a readable sentence, a code for programs, and messages by field if any."""

    detail = serializers.CharField(help_text="What is wrong, as a sentence.")
    code = serializers.CharField(help_text="What is wrong, for programs.")
    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Messages by field.",
    )


EVERYWHERE: tuple[type[Exception], ...] = (
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
    exceptions.PermissionDenied,
    exceptions.Throttled,
    TooManyFailures,
    AddressTooLong,
    HeadersTooLong,
    StoreUnavailable,
)
WITH_PARAMETERS: tuple[type[Exception], ...] = (NotValid, exceptions.ParseError)
WITH_BODY: tuple[type[Exception], ...] = (BodyTooLarge, exceptions.UnsupportedMediaType)
WITH_KEY: tuple[type[Exception], ...] = (
    idempotency.KeyReused,
    idempotency.StillWorking,
    exceptions.ParseError,
)

PATH_PARAMETERS: dict[str, tuple[str, str]] = {
    "bucket": ("The name of an S3 bucket, or of a folder that serves as one.", "photos"),
    "sub": ("A prefix in the bucket; may hold slashes.", "summer-2024"),
    "cluster_id": ("`cluster_<n>`, the largest is 0; or `noise`.", "cluster_0"),
    "face_id": ("The id of a face.", "1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11"),
    "run_id": ("The id of a run, which is its `clustering_id`.", "65f1c0ffee65f1c0ffee65f1"),
    "clustering_id": ("The id of a run.", "65f1c0ffee65f1c0ffee65f1"),
    "assignment_id": ("The id of an assignment.", "3b9e0c1d2f4a5b6c7d8e9f00"),
    "import_id": ("The id of an import.", "7c0ffee07c0ffee07c0ffee0"),
    "user_id": ("The id of a person: `[A-Za-z0-9_.@-]{1,64}`.", "ada.lovelace"),
    "decision_id": ("The id of a decision.", "0f3a9b1c2d4e5f6700000012"),
    "prefix": ("The first letters of a key, as the list shows them.", "Vq3tZb8k"),
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": idempotency.MAX_KEY, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="The same key and request within 24 hours give the first answer again.",
)


def operation(
    summary: str,
    *,
    answers: Answers,
    example: Any = None,
    query: type[serializers.Serializer] | None = None,
    form: type[serializers.Serializer] | None = None,
    json: type[serializers.Serializer] | None = None,
    body_example: Any = None,
    refuses: Sequence[type[Exception]] = (),
    tag: str,
) -> Callable[[Any], Any]:
    """Describe an operation.

    ``example`` is an example of the answer with the lowest status, or a function that renders it.
    """
    first = min(answers)  # works for pairs too: the schema has one body
    own: dict[Any, Any] = {
        status: OpenApiResponse(
            response=kind,
            description=_first_line(kind),
            examples=_examples(summary, example) if status == first else None,
        )
        for status, kind in answers.items()
    }
    refusals = [*refuses, *EVERYWHERE]
    refusals += WITH_PARAMETERS if query or form or json else ()
    refusals += WITH_BODY if form or json else ()

    def decorate(method: Any) -> Any:
        is_post, body = method.__name__ == "post", form or json
        return extend_schema(
            summary=summary,
            description=inspect.getdoc(method),
            tags=[tag],
            parameters=[*([query] if query else []), *([IDEMPOTENCY_KEY] if is_post else [])],
            request={("multipart/form-data" if form else "application/json"): body}
            if body
            else None,
            responses=_refusals([*refusals, *(WITH_KEY if is_post else ())]) | own,
            examples=[OpenApiExample(summary, value=body_example, request_only=True)]
            if body_example is not None
            else None,
        )(method)

    return decorate


class ApiSchema(AutoSchema):
    """Schema generator that names outputs, renders examples and documents path parameters."""

    def get_serializer_name(self, serializer: serializers.Serializer, direction: str) -> str:
        """Name a component after its class, without ``Output``."""
        return type(serializer).__name__.removesuffix("Output")

    def _get_examples(
        self,
        serializer: Any,
        direction: str,
        media_type: str,
        status_code: str | None = None,
        extras: list[OpenApiExample] | None = None,
    ) -> Any:
        rendered = [_rendered(one) for one in extras or ()]
        return super()._get_examples(serializer, direction, media_type, status_code, rendered)

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super()._resolve_path_parameters(variables)
        for parameter in parameters:
            description, example = PATH_PARAMETERS.get(parameter["name"], ("", None))
            if description:
                parameter["description"] = description
            if example is not None:
                parameter["example"] = example
        return parameters

    def get_operation_id(self) -> str:
        """Name an operation after resource and method; clients generate function names from it."""
        resource = re.sub("(?<!^)(?=[A-Z])", "_", type(self.view).__name__.removesuffix("Api"))
        return f"{resource.lower()}_{self.method.lower()}"


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # no types there
    """Authentication with an API key."""

    target_class = "web.auth.KeyAuthentication"
    name = "key"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme of the Authorization header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <key>` or `Bearer <key>`.",
        }


def _rendered(example: OpenApiExample) -> OpenApiExample:
    """Return an example whose value is rendered; rendering needs the URLs, so it is done late."""
    if callable(example.value):
        example = copy(example)
        example.value = example.value()
    return example


def _examples(name: str, value: Any) -> list[OpenApiExample] | None:
    return None if value is None else [OpenApiExample(name, value=value, response_only=True)]


def _refusals(kinds: Iterable[type[Exception]]) -> dict[int, OpenApiResponse]:
    """Return one documented answer per status of the refusals."""
    by_status: dict[int, list[type[Exception]]] = defaultdict(list)
    for kind in dict.fromkeys(kinds):
        by_status[status_of(kind)].append(kind)
    return {
        status: OpenApiResponse(
            response=ErrorOutput,
            description="\n".join(f"`{code_of(kind)}`: {_first_line(kind)}" for kind in found),
            examples=[
                OpenApiExample(
                    code_of(found[0]),
                    value={"detail": _first_line(found[0]), "code": code_of(found[0])},
                )
            ],
        )
        for status, found in by_status.items()
    }


def _first_line(kind: Any) -> str:
    """Return the first line of a class's docstring."""
    text = kind.get("description", "") if isinstance(kind, dict) else inspect.getdoc(kind) or ""
    return str(text).partition("\n")[0]
