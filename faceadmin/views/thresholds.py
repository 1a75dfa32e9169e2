"""The current quality thresholds, and the effect of others on the faces of a collection."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from clustering.selectors import get_collection, list_collections
from clustering.threshold_preview import SAMPLE, measure_faces, preview_thresholds
from faceadmin.active_models import ActiveThresholds, active_thresholds
from faceadmin.api.thresholds import DESCRIPTION, SUGGESTIONS
from vision import ModelMissing, ModelRefused, QualityThresholds
from web.auth import role_required
from web.htmx import render_page
from web.roles import Role


class ThresholdsForm(forms.Form):
    """Thresholds to try."""

    collection = forms.CharField(required=False, max_length=1100)
    min_face_size = forms.FloatField(min_value=0, max_value=10_000, label="Minimum face size, px")
    min_confidence = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Minimum confidence",
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    blur_threshold = forms.FloatField(min_value=0, max_value=100_000, label="Minimum sharpness")


@require_GET
@role_required(Role.ADMIN)
def thresholds(request: HttpRequest) -> HttpResponse:
    """Show the thresholds, and how many faces of a collection the entered values would keep."""
    now = settings.VISION.thresholds
    initial = {
        "min_face_size": now.min_face_size,
        "min_confidence": now.min_confidence,
        "blur_threshold": now.blur_threshold,
    }
    known = [one.path for one in list_collections()]
    asked = {**initial, "collection": known[0] if known else "", **request.GET.dict()}
    form = ThresholdsForm(asked)
    context: dict[str, object] = {
        "form": form,
        "now": now,
        "in_force": _in_force(),
        "collections": known,
        "path": asked["collection"],
        "descriptions": DESCRIPTION,
        "suggestions": {name.replace("_", " "): values for name, values in SUGGESTIONS.items()},
        "sample": SAMPLE,
    }
    if form.is_valid() and form.cleaned_data["collection"]:
        values = dict(form.cleaned_data)
        path = get_collection(values.pop("collection")).path
        other = QualityThresholds(**values)
        context["tried"] = preview_thresholds(measure_faces(path), now, other)
    return render_page(
        request,
        "faceadmin/thresholds.html",
        context,
        fragment="faceadmin/_thresholds.html",
        status=422 if form.errors else 200,
    )


def _in_force() -> ActiveThresholds | None:
    """Return the current models and thresholds; None without models, which the footer reports."""
    try:
        return active_thresholds()
    except (ModelMissing, ModelRefused):
        return None
