"""URLs of the pages of clustering."""

from __future__ import annotations

from django.urls import path

from clustering.views import collections as views
from clustering.views import storage

urlpatterns = [
    path("", views.collections, name="collections"),
    path("runs/start/", views.run_start, name="run_start"),
    path("runs/<str:run_id>/status/", views.run_status, name="run_status"),
    path("runs/<str:run_id>/cancel/", views.run_cancel, name="run_cancel"),
    path("runs/<str:run_id>/resume/", views.run_resume, name="run_resume"),
    path("runs/<str:run_id>/allow-removals/", views.run_allow_removals, name="run_allow_removals"),
    path("runs/<str:run_id>/apply/", views.run_apply, name="run_apply"),
    path("runs/<str:run_id>/drop/", views.run_drop, name="run_drop"),
    path(
        "collections/<str:bucket>/<path:sub>/-/skipped/",
        views.images_skipped,
        name="images_skipped",
    ),
    path("storage/", storage.storages, name="storages"),
    path("storage/<str:bucket>/<path:sub>/repair/", storage.storage_repair, name="storage_repair"),
    path("storage/<str:bucket>/<path:sub>/", storage.storage, name="storage"),
]
