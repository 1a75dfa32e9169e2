"""Template tag of the form that sends a decision."""

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
    """Wrap buttons in a form for decisions about the page's collection (`name`).

    ``enter`` is the kind of decision submitted by the Enter key in a text field. ``said`` are the
    other fields of the decision; those that are None are omitted. After the decision, the reviewer
    returns to the current page, or to ``back``.
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
