"""JSON bodies with stricter rules: unique names, bounded nesting."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class StrictJSONParser(JSONParser):  # type: ignore[misc]  # Django REST framework has no types
    """UTF-8 JSON in which every name of an object is unique (RFC 8259 only recommends it)."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body; raise ParseError with a readable sentence."""
        try:
            return json.loads(
                stream.read().decode(), object_pairs_hook=_object, parse_constant=_constant
            )
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is no JSON in UTF-8: {error}") from error


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ParseError(f"The JSON gives {name[:80]!r} more than once.")
        found[name] = value
    return found


def _constant(name: str) -> Any:
    raise ParseError(f"{name} is no number in JSON.")


class OneKind(BaseContentNegotiation):
    """Content negotiation for pictures, which have one type; errors are JSON."""

    def select_parser(self, request: Request, parsers: Sequence[BaseParser]) -> BaseParser:
        """Return the first parser."""
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its type."""
        return renderers[0], str(renderers[0].media_type)
