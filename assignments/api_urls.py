"""Where the REST resources of assignments are."""

from __future__ import annotations

from django.urls import path

from assignments import person_api
from assignments.api import decisions, matching, records, search

urlpatterns = [
    path(
        "debug-profile/<str:user_id>",
        person_api.DebugProfileApi.as_view(),
        name="debug_profile",
    ),
    # Before the address of a collection, which would take them for buckets.
    path(
        "assignments/user/<str:user_id>",
        matching.UserAssignmentsApi.as_view(),
        name="user_assignments",
    ),
    path(
        "assignments/clustering/<str:clustering_id>",
        matching.ClusteringAssignmentsApi.as_view(),
        name="clustering_assignments",
    ),
    path(
        "assignments/<str:bucket>/<path:sub>",
        matching.CollectionAssignmentsApi.as_view(),
        name="collection_assignments",
    ),
    path("api/v1/assignments/", records.AssignmentsApi.as_view(), name="assignments_api"),
    path(
        "api/v1/assignments/stats/",
        records.AssignmentStatsApi.as_view(),
        name="assignment_stats_api",
    ),
    path(
        "api/v1/assignments/<str:assignment_id>/",
        records.AssignmentApi.as_view(),
        name="assignment_api",
    ),
    path(
        "api/v1/runs/<str:run_id>/assignments/",
        matching.RunAssignmentsApi.as_view(),
        name="run_assignments_api",
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
    path(
        "api/v1/export/assignments/",
        records.AssignmentExportApi.as_view(),
        name="assignment_export_api",
    ),
]
