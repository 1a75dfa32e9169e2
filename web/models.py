"""API keys (stored as hashes, shown once, with a role); answers of idempotent requests."""

from __future__ import annotations

from django.db import models
from rest_framework_api_key.models import AbstractAPIKey

from web.roles import Role


class ApiKey(AbstractAPIKey):
    """A client's key; only its prefix can be shown, the secret is not stored."""

    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "API key"
        verbose_name_plural = "API keys"


class IdempotentRequest(models.Model):
    """A POST that came with an Idempotency-Key, and its answer; status 0: none yet.

    ``key`` is a keyed hash of what the client sent.
    """

    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    path = models.CharField(max_length=2000)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(default="")
    location = models.CharField(max_length=2000, default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["caller", "key"], name="one_answer_per_key"),
        )

    def __str__(self) -> str:
        return f"{self.key} of {self.caller}"
