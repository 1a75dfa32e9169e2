"""What every page's footer says: the models in force."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from faceadmin.in_force import models_in_force


def models(request: HttpRequest) -> dict[str, object]:
    """Name the models in force, looked up only where a template asks."""
    return {"models_in_force": SimpleLazyObject(models_in_force)}
