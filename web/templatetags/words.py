"""Template filter that turns codes into words."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def words(code: object) -> str:
    """Return a code, such as ``too_blurry``, as words."""
    return str(code).replace("_", " ")
