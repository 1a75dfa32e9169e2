"""Where the REST resources of profiles are."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
