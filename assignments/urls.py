"""Where the pages of assignments are."""

from __future__ import annotations

from django.urls import path

from assignments.views import erasure, profile

urlpatterns = [
    path("profiles/<str:user_id>/", profile.profile, name="profile"),
    path("profiles/<str:user_id>/rename/", profile.profile_rename, name="profile_rename"),
    path("profiles/<str:user_id>/photos/", profile.reference_add, name="reference_add"),
    path(
        "profiles/<str:user_id>/photos/<str:face_id>/drop/",
        profile.reference_drop,
        name="reference_drop",
    ),
    path("profiles/<str:user_id>/erase/", erasure.profile_erase, name="profile_erase"),
]
