"""Host header checks: health checks accept any host, everything else only ALLOWED_HOSTS."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware

from web.errors import Refusal
from web.middleware import refusal_answer

# Load balancers, containers and Prometheus send requests by IP address.
ANY_HOST = frozenset({"/health/live", "/health/ready", "/metrics"})


class HostsMiddleware(CommonMiddleware):
    """Django's CommonMiddleware without the host check for health checks."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Refuse a host that is not in ALLOWED_HOSTS, with the product's error response."""
        if request.path_info in ANY_HOST:
            return None
        try:
            return super().process_request(request)
        except DisallowedHost:
            return _refuse_host(request)


def _refuse_host(request: HttpRequest) -> HttpResponse:
    host = request.headers.get("Host", "")
    return refusal_answer(
        request,
        Refusal(
            400,
            "unknown_host",
            f"This server does not answer under the name {host[:100]!r}. Use one of its own names, "
            "or add this one to the setting ALLOWED_HOSTS.",
        ),
    )
