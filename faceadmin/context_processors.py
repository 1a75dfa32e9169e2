"""Context processor of the page footer: the current models."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from faceadmin.active_models import active_models


def models(request: HttpRequest) -> dict[str, object]:
    """Return the current models, loaded only if a template uses them."""
    return {"models_in_force": SimpleLazyObject(active_models)}
