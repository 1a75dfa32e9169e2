"""API keys: hashed at rest, shown once, with a role and, if wanted, an expiry."""

from __future__ import annotations

from django.db import models
from rest_framework_api_key.models import AbstractAPIKey

from web.roles import Role


class ApiKey(AbstractAPIKey):
    """A client's key; its prefix may be shown, the key itself is known to the client alone."""

    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "API key"
        verbose_name_plural = "API keys"
