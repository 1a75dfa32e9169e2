"""All routes: health, REST at the root and under /api/v1/, pages."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from faceadmin import api, health, views
from web.login import GuardedLogin

handler400 = "faceadmin.views.bad_request"
handler403 = "faceadmin.views.forbidden"
handler404 = "faceadmin.views.not_found"
handler500 = "faceadmin.views.server_error"

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("metrics", health.metrics, name="metrics"),
    path(
        "debug-quality-settings",
        api.DebugQualitySettingsApi.as_view(),
        name="debug_quality_settings",
    ),
    path("", include("profiles.api_urls")),
    path("", include("clustering.api_urls")),
    path("", include("assignments.api_urls")),
    path("login/", GuardedLogin.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("models/", views.models, name="models"),
    path("", include("clustering.urls")),
]
