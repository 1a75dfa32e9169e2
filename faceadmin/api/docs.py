"""The OpenAPI document, and a page to read it and try requests."""

from __future__ import annotations

from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer

from web.auth import HoldsRole
from web.parsers import OneKind
from web.roles import Role


class SchemaApi(SpectacularAPIView):
    """OpenAPI 3 of every resource, as JSON, or as YAML if the client accepts it."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiYamlRenderer]  # noqa: RUF012 - as the base class
    permission_classes = [HoldsRole]  # noqa: RUF012 - as the base class

    def role_needed(self, method: str) -> Role:
        """Admit every role."""
        return Role.VIEWER


class DocsPage(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files; its script has its own URL."""

    renderer_classes = [TemplateHTMLRenderer]  # noqa: RUF012 - as the base class
    permission_classes = [HoldsRole]  # noqa: RUF012 - as the base class
    content_negotiation_class = OneKind
    template_name = "faceadmin/docs.html"
    url_name = "schema"

    def role_needed(self, method: str) -> Role:
        """Admit every role."""
        return Role.VIEWER
