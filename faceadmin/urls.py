"""All routes: health, REST at the root and under /api/v1/, pages."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from faceadmin import health
from faceadmin.api import docs, keys
from faceadmin.api import thresholds as thresholds_api
from faceadmin.views import accounts, models, thresholds
from faceadmin.views import keys as keys_pages
from web.login import GuardedLogin

handler400 = "faceadmin.views.errors.bad_request"
handler403 = "faceadmin.views.errors.forbidden"
handler404 = "faceadmin.views.errors.not_found"
handler500 = "faceadmin.views.errors.server_error"

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("metrics", health.metrics, name="metrics"),
    path(
        "debug-quality-settings",
        thresholds_api.DebugQualitySettingsApi.as_view(),
        name="debug_quality_settings",
    ),
    path("api/v1/thresholds/", thresholds_api.ThresholdsApi.as_view(), name="thresholds_api"),
    path("api/v1/models/", thresholds_api.ModelsApi.as_view(), name="models_api"),
    path("api/v1/keys/", keys.KeysApi.as_view(), name="keys_api"),
    path("api/v1/keys/<slug:prefix>/", keys.KeyApi.as_view(), name="key_api"),
    path("api/schema/", docs.SchemaApi.as_view(), name="schema"),
    path("api/docs/", docs.DocsPage.as_view(), name="docs"),
    path("", include("profiles.api_urls")),
    path("", include("clustering.api.urls")),
    path("", include("review.api.urls")),
    path("", include("assignments.api.urls")),
    path("login/", GuardedLogin.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("models/", models.models, name="models"),
    path("thresholds/", thresholds.thresholds, name="thresholds"),
    path("keys/", keys_pages.keys, name="keys"),
    path("keys/<slug:prefix>/revoke/", keys_pages.key_revoke, name="key_revoke"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/<int:account_id>/", accounts.account_change, name="account_change"),
    path("", include("profiles.urls")),
    path("", include("clustering.urls")),
    path("", include("review.urls")),  # last: the URL of a collection matches any path
]
