"""Routes of the REST resources of profiles: some at the root, the others under /api/v1/."""

from __future__ import annotations

from django.urls import include, path

from profiles import api

urlpatterns = [
    path("", include("profiles.imports.urls")),
    path("detect-face", api.DetectFaceApi.as_view(), name="detect_face"),
    path("update-face/<str:user_id>", api.UpdateFaceApi.as_view(), name="update_face"),
    path("debug-profiles", api.DebugProfilesApi.as_view(), name="debug_profiles"),
    path("api/v1/profiles/", api.ProfilesApi.as_view(), name="profiles_api"),
    path("api/v1/profiles/verify/", api.ProfilesVerifyApi.as_view(), name="profiles_verify_api"),
    path("api/v1/profiles/<str:user_id>/", api.ProfileApi.as_view(), name="profile_api"),
    path(
        "api/v1/profiles/<str:user_id>/photos/<str:face_id>/",
        api.ProfilePhotoApi.as_view(),
        name="profile_photo_api",
    ),
    path(
        "api/v1/profiles/<str:user_id>/photos/<str:face_id>/crop/",
        api.ProfileCropApi.as_view(),
        name="profile_crop_api",
    ),
]
