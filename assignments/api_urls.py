"""Where the REST resources of assignments are."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
