"""URLs of the REST resources: the specified routes at the root, the others under /api/v1/."""

from __future__ import annotations

from django.urls import path

from clustering.api import clusters, collections, export, faces, previews, runs, storage

urlpatterns = [
    path(
        "cluster-bucket-with-db/<str:bucket>/<path:sub>",
        runs.ClusterBucketApi.as_view(),
        name="cluster_bucket_with_db",
    ),
    path(
        "cluster-status-db/<str:bucket>/<path:sub>",
        runs.ClusterStatusApi.as_view(),
        name="cluster_status_db",
    ),
    path(
        "cluster-details-db/<str:bucket>/<path:sub>/<str:cluster_id>",
        clusters.ClusterDetailsApi.as_view(),
        name="cluster_details_db",
    ),
    path(
        "verify-fixed-storage/<str:bucket>/<path:sub>",
        storage.VerifyStorageApi.as_view(),
        name="verify_fixed_storage",
    ),
    path("api/v1/collections/", collections.CollectionsApi.as_view(), name="collections_api"),
    path(
        "api/v1/collections/<str:bucket>/<path:sub>/",
        collections.CollectionApi.as_view(),
        name="collection_api",
    ),
    path("api/v1/runs/", runs.RunsApi.as_view(), name="runs_api"),
    path("api/v1/runs/<str:run_id>/", runs.RunApi.as_view(), name="run_api"),
    path("api/v1/runs/<str:run_id>/cancel/", runs.RunCancelApi.as_view(), name="run_cancel_api"),
    path("api/v1/runs/<str:run_id>/resume/", runs.RunResumeApi.as_view(), name="run_resume_api"),
    path("api/v1/runs/<str:run_id>/apply/", previews.RunApplyApi.as_view(), name="run_apply_api"),
    path(
        "api/v1/runs/<str:run_id>/changes/",
        previews.RunChangesApi.as_view(),
        name="run_changes_api",
    ),
    path(
        "api/v1/runs/<str:run_id>/proposals/",
        previews.RunProposalsApi.as_view(),
        name="run_proposals_api",
    ),
    path("api/v1/runs/<str:run_id>/skipped/", runs.RunSkippedApi.as_view(), name="run_skipped_api"),
    path("api/v1/faces/<str:face_id>/", faces.FaceApi.as_view(), name="face_api"),
    path("api/v1/faces/<str:face_id>/crop/", faces.FaceCropApi.as_view(), name="face_crop"),
    path("api/v1/faces/<str:face_id>/image/", faces.FaceImageApi.as_view(), name="face_image"),
    path(
        "api/v1/faces/<str:face_id>/preview/", faces.FacePreviewApi.as_view(), name="face_preview"
    ),
    path("api/v1/export/clusters/", export.ClustersExportApi.as_view(), name="export_clusters"),
]
