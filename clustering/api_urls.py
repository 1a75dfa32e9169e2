"""Where clustering's REST resources are: the fixed routes at the root, ours under /api/v1/."""

from __future__ import annotations

from django.urls import path

from clustering import api

urlpatterns = [
    path(
        "cluster-bucket-with-db/<str:bucket>/<path:sub>",
        api.ClusterBucketApi.as_view(),
        name="cluster_bucket_with_db",
    ),
    path(
        "cluster-status-db/<str:bucket>/<path:sub>",
        api.ClusterStatusApi.as_view(),
        name="cluster_status_db",
    ),
    path(
        "cluster-details-db/<str:bucket>/<path:sub>/<str:cluster_id>",
        api.ClusterDetailsApi.as_view(),
        name="cluster_details_db",
    ),
    path(
        "verify-fixed-storage/<str:bucket>/<path:sub>",
        api.VerifyStorageApi.as_view(),
        name="verify_fixed_storage",
    ),
    path("api/v1/faces/<str:face_id>/crop/", api.FaceCropApi.as_view(), name="face_crop"),
    path("api/v1/faces/<str:face_id>/image/", api.FaceImageApi.as_view(), name="face_image"),
]
