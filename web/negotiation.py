"""Answers of one kind, whatever the client says it accepts."""

from __future__ import annotations

from collections.abc import Sequence

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OneKind(BaseContentNegotiation):
    """For pictures, which are no rendering of data; their refusals are JSON like all others."""

    def select_parser(self, request: Request, parsers: Sequence[BaseParser]) -> BaseParser:
        """Return the first parser."""
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its type."""
        return renderers[0], str(renderers[0].media_type)
