"""Where the REST resources of assignments are."""

from __future__ import annotations

from django.urls import path

from assignments import person_api

urlpatterns = [
    path(
        "debug-profile/<str:user_id>",
        person_api.DebugProfileApi.as_view(),
        name="debug_profile",
    ),
]
