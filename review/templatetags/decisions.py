"""The form that a decision is sent with, wherever a page offers one."""

from __future__ import annotations

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag(takes_context=True)
def decision_form(
    context: Context, content: str, css: str = "row", enter: str = "", **said: object
) -> SafeString:
    """Put buttons into a form that decides about the page's collection (`name`).

    ``enter`` is the kind of decision that the Enter key means in a field. ``said`` are the fields
    of the decision beside what its buttons say; None is left out. The page to come back to is the
    one that is shown, unless ``back`` names another.
    """
    fields = {"back": context["request"].get_full_path(), **said}
    return render_to_string(
        "review/_decision_form.html",
        {
            "name": context["name"],
            "css": css,
            "enter": enter,
            "fields": {name: value for name, value in fields.items() if value is not None},
            "content": content,
            "csrf_token": context.get("csrf_token"),
        },
    )
