"""Answers about collections and their deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from rest_framework.serializers import BooleanField, CharField, IntegerField

from clustering.documents import Collection, Run
from clustering.outputs.runs import (
    CLUSTERS,
    FACES,
    IMAGES,
    PATH,
    UNMATCHED,
    RunRowOutput,
)
from web.output import NEXT, Answer, Output, TimeField


class CollectionRuns(NamedTuple):
    """A collection with its current and its newest run."""

    collection: Collection
    current: Run | None
    newest: Run | None

    @classmethod
    def among(cls, collection: Collection, runs: Mapping[str, Run]) -> CollectionRuns:
        """Look up the runs of a collection in ``runs``, by id."""
        return cls(collection, runs.get(collection.current_run), runs.get(collection.newest_run))

    def row(self, run: Run | None) -> Answer | None:
        """Return the row of a run of the collection."""
        if run is None:
            return None
        return RunRowOutput.render(run, is_current=run.id == self.collection.current_run)


class CollectionRowOutput(Output):
    """A collection; counts are those of the current run, 0 without one."""

    path = CharField(source="collection.path", help_text=PATH)
    bucket = CharField(source="collection.bucket", help_text="The name of the bucket.")
    sub = CharField(source="collection.sub", help_text="The prefix in the bucket.")
    updated_at = TimeField(
        source="collection.updated_at", allow_null=True, help_text="When its current run changed."
    )
    current_run = RunRowOutput(allow_null=True, help_text="The run whose clusters are current.")
    newest_run = RunRowOutput(allow_null=True, help_text="The run that was started last.")
    total_images = IntegerField(help_text=IMAGES)
    total_faces = IntegerField(help_text=FACES)
    num_clusters = IntegerField(help_text=CLUSTERS)
    noise_count = IntegerField(help_text=UNMATCHED)
    url = CharField(help_text="Path of the collection.")

    def get_current_run(self, one: CollectionRuns) -> Answer | None:
        return one.row(one.current)

    def get_newest_run(self, one: CollectionRuns) -> Answer | None:
        return one.row(one.newest)

    def get_total_images(self, one: CollectionRuns) -> int:
        return _count(one, "total_images")

    def get_total_faces(self, one: CollectionRuns) -> int:
        return _count(one, "total_faces")

    def get_num_clusters(self, one: CollectionRuns) -> int:
        return _count(one, "num_clusters")

    def get_noise_count(self, one: CollectionRuns) -> int:
        return _count(one, "noise_count")

    def get_url(self, one: CollectionRuns) -> str:
        name = {"bucket": one.collection.bucket, "sub": one.collection.sub}
        return reverse("collection_api", kwargs=name)


class CollectionRowsOutput(Output):
    """A page of collections, sorted by path."""

    collections = CollectionRowOutput(many=True, help_text="The collections of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class CollectionDetailOutput(CollectionRowOutput):
    """A collection with its newest runs, at most 20."""

    runs = RunRowOutput(many=True, help_text="The newest runs.")
    runs_url = CharField(help_text="Path of the list of all runs.")

    def get_runs_url(self, one: CollectionRuns) -> str:
        return f"{reverse('runs_api')}?{urlencode({'collection': one.collection.path})}"


class PurgedDocumentsOutput(Output):
    """Numbers of documents of a collection."""

    collections = IntegerField(help_text="Number of collections.")
    runs = IntegerField(help_text="Number of runs.")
    batches = IntegerField(help_text="Number of batches of unfinished runs.")
    images = IntegerField(help_text="Number of photos.")
    faces = IntegerField(help_text="Number of faces.")
    clusters = IntegerField(help_text="Number of clusters.")
    members = IntegerField(help_text="Number of memberships of faces in clusters.")
    decisions = IntegerField(help_text="Number of decisions.")
    decided_faces = IntegerField(help_text="Number of faces named by decisions.")


class PurgedVectorsOutput(Output):
    """Number of vectors of a collection's faces."""

    vectors = IntegerField(help_text="Number of vectors.")


class PurgedFilesOutput(Output):
    """Number of files created for a collection's faces; the photos stay in the bucket."""

    crops = IntegerField(help_text="Number of face crops.")


class PurgedAnswersOutput(Output):
    """Number of stored answers for repeated requests that refer to the collection."""

    kept_answers = IntegerField(help_text="Number of stored answers.")


class PurgedByStoreOutput(Output):
    """Number of records of a collection in each store."""

    mongodb = PurgedDocumentsOutput(source="*", help_text="Documents.")
    qdrant = PurgedVectorsOutput(source="*", help_text="Vectors.")
    files = PurgedFilesOutput(source="*", help_text="Files.")
    login_database = PurgedAnswersOutput(source="*", help_text="Rows of the login database.")


class PurgeAnswerOutput(Output):
    """What a deletion removed from each store, and what a check afterwards still found."""

    bucket_path = CharField(source="path", help_text=PATH)
    complete = BooleanField(source="is_complete", help_text="Whether nothing was left.")
    removed = PurgedByStoreOutput(help_text="What was removed.")
    left = PurgedByStoreOutput(help_text="What was found afterwards.")


def _count(one: CollectionRuns, name: str) -> int:
    return 0 if one.current is None else int(one.current.stats.get(name, 0))
