"""What every page's footer says: the models in force."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from faceadmin.active_models import active_models


def models(request: HttpRequest) -> dict[str, object]:
    """Name the models in force, looked up only where a template asks."""
    return {"models_in_force": SimpleLazyObject(active_models)}
