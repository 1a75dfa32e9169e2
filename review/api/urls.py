"""URLs of the REST resources of review."""

from __future__ import annotations

from django.urls import path

from review.api import decisions, person, search

urlpatterns = [
    path(
        "debug-profile/<str:user_id>",
        person.DebugProfileApi.as_view(),
        name="debug_profile",
    ),
    path("api/v1/decisions/", decisions.DecisionsApi.as_view(), name="decisions_api"),
    path(
        "api/v1/decisions/<str:decision_id>/",
        decisions.DecisionApi.as_view(),
        name="decision_api",
    ),
    path(
        "api/v1/decisions/<str:decision_id>/undo/",
        decisions.DecisionUndoApi.as_view(),
        name="decision_undo_api",
    ),
    path("api/v1/search/", search.SearchApi.as_view(), name="search_api"),
    path("api/v1/activity/", decisions.ActivityApi.as_view(), name="activity_api"),
]
