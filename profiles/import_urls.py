"""Where the REST resources of imports are."""

from __future__ import annotations

from django.urls import path

from profiles import import_api

urlpatterns = [
    path(
        "api/v1/profiles/import/",
        import_api.ProfilesImportApi.as_view(),
        name="profiles_import_api",
    ),
    path("api/v1/profiles/imports/", import_api.ImportsApi.as_view(), name="imports_api"),
    path(
        "api/v1/profiles/imports/<str:import_id>/",
        import_api.ImportApi.as_view(),
        name="import_api",
    ),
    path(
        "api/v1/profiles/imports/<str:import_id>/files/",
        import_api.ImportFilesApi.as_view(),
        name="import_files_api",
    ),
    path(
        "api/v1/profiles/imports/<str:import_id>/cancel/",
        import_api.ImportCancelApi.as_view(),
        name="import_cancel_api",
    ),
]
