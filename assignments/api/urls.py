"""URLs of the REST resources of assignments."""

from __future__ import annotations

from django.urls import path

from assignments.api import assignments, matching

urlpatterns = [
    # Before the URL of a collection, which would match them as bucket names.
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
    path("api/v1/assignments/", assignments.AssignmentsApi.as_view(), name="assignments_api"),
    path(
        "api/v1/assignments/stats/",
        assignments.AssignmentStatsApi.as_view(),
        name="assignment_stats_api",
    ),
    path(
        "api/v1/assignments/<str:assignment_id>/",
        assignments.AssignmentApi.as_view(),
        name="assignment_api",
    ),
    path(
        "api/v1/runs/<str:run_id>/assignments/",
        matching.RunAssignmentsApi.as_view(),
        name="run_assignments_api",
    ),
    path(
        "api/v1/export/assignments/",
        assignments.AssignmentExportApi.as_view(),
        name="assignment_export_api",
    ),
]
