"""Where the pages of assignments are."""

from __future__ import annotations

from django.urls import path, re_path

from assignments.views import (
    activity,
    assignments,
    cluster,
    collection,
    deciding,
    erasure,
    face,
    merging,
    profile,
    queue,
    records,
    search,
)

COLLECTION = r"^collections/(?P<bucket>[^/]+)/(?P<sub>.+)/-/"
QUEUE = r"(?P<queue>same|odd|who|triage|new)/"

urlpatterns = [
    path("activity/", activity.activity, name="activity"),
    path("search/", search.search, name="search"),
    path("assignments/", assignments.assignments, name="assignments"),
    path("assignments/matching/", assignments.matching, name="matching"),
    # Not under assignments/, where a client's address of a collection holds any two words.
    path(
        "assigned/<str:assignment_id>/remove/",
        records.assignment_remove,
        name="assignment_remove",
    ),
    path("profiles/<str:user_id>/", profile.profile, name="profile"),
    path("profiles/<str:user_id>/rename/", profile.profile_rename, name="profile_rename"),
    path("profiles/<str:user_id>/photos/", profile.reference_add, name="reference_add"),
    path(
        "profiles/<str:user_id>/photos/<str:face_id>/drop/",
        profile.reference_drop,
        name="reference_drop",
    ),
    path("profiles/<str:user_id>/erase/", erasure.profile_erase, name="profile_erase"),
    path("profiles/<str:user_id>/merge/", merging.profile_merge, name="profile_merge"),
    path("faces/<str:face_id>/", face.face, name="face"),
    re_path(COLLECTION + r"decide/$", deciding.decide, name="decide"),
    re_path(COLLECTION + r"undo/$", deciding.decision_take_back, name="decision_take_back"),
    re_path(COLLECTION + r"enrol/$", deciding.cluster_enrol, name="cluster_enrol"),
    re_path(COLLECTION + "queues/$", queue.queues_waiting, name="queues_waiting"),
    re_path(COLLECTION + "new/seen/$", queue.queue_seen, name="queue_seen"),
    re_path(COLLECTION + QUEUE + "$", queue.queue, name="queue"),
    re_path(COLLECTION + QUEUE + "later/$", queue.queue_later, name="queue_later"),
    re_path(
        COLLECTION + r"(?P<cluster_id>cluster_[0-9]+|noise)/$", cluster.cluster, name="cluster"
    ),
    path("collections/<str:bucket>/<path:sub>/", collection.collection, name="collection"),
]
