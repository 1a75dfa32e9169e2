"""Routes of the pages of profiles."""

from __future__ import annotations

from django.urls import path

from profiles import views

urlpatterns = [
    path("profiles/", views.profiles, name="profiles"),
    path("names/", views.people_options, name="people_options"),
    path("profiles/enrol/", views.profile_enrol, name="profile_enrol"),
]
