"""Routes of the REST resources of imports."""

from __future__ import annotations

from django.urls import path

from profiles.imports import api

urlpatterns = [
    path(
        "api/v1/profiles/import/",
        api.ProfilesImportApi.as_view(),
        name="profiles_import_api",
    ),
    path("api/v1/profiles/imports/", api.ImportsApi.as_view(), name="imports_api"),
    path(
        "api/v1/profiles/imports/<str:import_id>/",
        api.ImportApi.as_view(),
        name="import_api",
    ),
    path(
        "api/v1/profiles/imports/<str:import_id>/files/",
        api.ImportFilesApi.as_view(),
        name="import_files_api",
    ),
    path(
        "api/v1/profiles/imports/<str:import_id>/cancel/",
        api.ImportCancelApi.as_view(),
        name="import_cancel_api",
    ),
]
