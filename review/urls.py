"""URLs of the review pages."""

from __future__ import annotations

from django.urls import path, re_path

from review.views import (
    activity,
    assignment_rows,
    cluster,
    collection,
    decide,
    face,
    matching,
    person,
    person_erase,
    person_merge,
    queue,
    search,
)

COLLECTION = r"^collections/(?P<bucket>[^/]+)/(?P<sub>.+)/-/"
QUEUE = r"(?P<queue>same|odd|who|triage|new)/"

urlpatterns = [
    path("activity/", activity.activity, name="activity"),
    path("search/", search.search, name="search"),
    path("assignments/", matching.assignments, name="assignments"),
    path("assignments/matching/", matching.matching, name="matching"),
    # Not under assignments/: there, the API's URL of a collection matches any two segments.
    path(
        "assigned/<str:assignment_id>/remove/",
        assignment_rows.assignment_remove,
        name="assignment_remove",
    ),
    path("profiles/<str:user_id>/", person.profile, name="profile"),
    path("profiles/<str:user_id>/rename/", person.profile_rename, name="profile_rename"),
    path("profiles/<str:user_id>/photos/", person.reference_add, name="reference_add"),
    path(
        "profiles/<str:user_id>/photos/<str:face_id>/drop/",
        person.reference_drop,
        name="reference_drop",
    ),
    path("profiles/<str:user_id>/erase/", person_erase.profile_erase, name="profile_erase"),
    path("profiles/<str:user_id>/merge/", person_merge.profile_merge, name="profile_merge"),
    path("faces/<str:face_id>/", face.face, name="face"),
    re_path(COLLECTION + r"decide/$", decide.decide, name="decide"),
    re_path(COLLECTION + r"undo/$", decide.decision_take_back, name="decision_take_back"),
    re_path(COLLECTION + r"enrol/$", decide.cluster_enrol, name="cluster_enrol"),
    re_path(COLLECTION + "queues/$", queue.queues_waiting, name="queues_waiting"),
    re_path(COLLECTION + "new/seen/$", queue.queue_seen, name="queue_seen"),
    re_path(COLLECTION + QUEUE + "$", queue.queue, name="queue"),
    re_path(COLLECTION + QUEUE + "later/$", queue.queue_later, name="queue_later"),
    re_path(
        COLLECTION + r"(?P<cluster_id>cluster_[0-9]+|noise)/$", cluster.cluster, name="cluster"
    ),
    path("collections/<str:bucket>/<path:sub>/", collection.collection, name="collection"),
]
