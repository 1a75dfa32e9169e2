"""The current models, and all others that are known."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from vision import report_models
from web.auth import role_required
from web.htmx import render_page
from web.roles import Role


@require_GET
@role_required(Role.ADMIN)
def models(request: HttpRequest) -> HttpResponse:
    """Show every known model: its task, its licence, and whether its file is installed."""
    rows = report_models(settings.VISION)
    return render_page(request, "faceadmin/models.html", {"rows": rows})
