"""The description of the REST resources: as OpenAPI, and as a page to read and try it."""

from __future__ import annotations

from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer

from web.auth import HoldsRole
from web.parsers import OneKind
from web.roles import Role


class SchemaApi(SpectacularAPIView):
    """OpenAPI 3 of every resource, as JSON; as YAML for whoever accepts that."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiYamlRenderer]  # noqa: RUF012 - as the base class
    permission_classes = [HoldsRole]  # noqa: RUF012 - as the base class

    def role_needed(self, method: str) -> Role:
        """Let everybody in who has a role."""
        return Role.VIEWER


class DocsPage(SpectacularSwaggerSplitView):
    """Swagger UI, from our own static files; its script is an address of its own."""

    renderer_classes = [TemplateHTMLRenderer]  # noqa: RUF012 - as the base class
    permission_classes = [HoldsRole]  # noqa: RUF012 - as the base class
    content_negotiation_class = OneKind
    template_name = "faceadmin/docs.html"
    url_name = "schema"

    def role_needed(self, method: str) -> Role:
        """Let everybody in who has a role."""
        return Role.VIEWER
