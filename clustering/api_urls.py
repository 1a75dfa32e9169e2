"""Where clustering's REST resources are: the fixed routes at the root, ours under /api/v1/."""

from __future__ import annotations

from django.urls import path

from clustering.api import clusters, faces, runs, storage

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
    path("api/v1/faces/<str:face_id>/crop/", faces.FaceCropApi.as_view(), name="face_crop"),
    path("api/v1/faces/<str:face_id>/image/", faces.FaceImageApi.as_view(), name="face_image"),
]
