"""Answers about runs: accepted, in progress, finished, deleted; and their skipped photos."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from rest_framework.serializers import (
    BooleanField,
    CharField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
)

from clustering.deletion import RunDeletion
from clustering.documents import NOISE, Member, Run, RunState
from clustering.progress import RunProgress, run_progress
from web.output import NEXT, Answer, Output, TimeField

CLUSTERING_ID = "The id of the run."
PATH = "The collection: bucket and prefix."
STATE = "`queued`, `listing`, `working`, `grouping`, `finished`, `failed` or `cancelled`."
IMAGES = "Number of photos with a face in the groups."
FACES = "Number of faces that were clustered."
CLUSTERS = "Number of clusters."
UNMATCHED = "Number of faces in no cluster."
WAITING = "The store or bucket that the run waits for."


class RunQueuedOutput(Output):
    """A run that was accepted; `status_url` returns its status."""

    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    bucket = CharField(source="collection", help_text=PATH)
    state = CharField(help_text=STATE)
    status_url = CharField(help_text="Path of the run's status, for polling.")

    def get_status_url(self, run: Run) -> str:
        return run_status_url(run)


class RunStatsOutput(Output):
    """Statistics of a finished run."""

    total_images = IntegerField(source="stats.total_images", help_text=IMAGES)
    total_faces = IntegerField(source="stats.total_faces", help_text=FACES)
    num_clusters = IntegerField(source="stats.num_clusters", help_text=CLUSTERS)
    noise_count = IntegerField(source="stats.noise_count", help_text=UNMATCHED)
    refused_faces = IntegerField(
        source="stats.refused_faces", help_text="Number of faces below the quality thresholds."
    )
    faces_without_vectors = IntegerField(
        source="stats.faces_without_vectors", help_text="Number of faces without a vector."
    )
    avg_faces_per_image = FloatField(
        source="stats.avg_faces_per_image", help_text="Clustered faces per photo."
    )
    avg_cluster_size = FloatField(
        source="stats.avg_cluster_size", help_text="Faces per cluster, without noise."
    )
    largest_cluster_size = IntegerField(
        source="stats.largest_cluster_size", help_text="Faces of the largest cluster."
    )
    cluster_size_distribution = DictField(
        source="stats.cluster_size_distribution",
        child=IntegerField(),
        help_text="Number of clusters by size.",
    )
    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    database_saved = BooleanField(help_text="Always true: results are stored.")
    processing_time_seconds = FloatField(help_text="Duration of the run in seconds.")
    files_per_second = FloatField(help_text="Photos per second.")
    decoded_images = IntegerField(source="decoded", help_text="Number of photos that were read.")
    unchanged_images = IntegerField(
        source="unchanged", help_text="Number of photos that were known and unchanged."
    )
    gone_images = IntegerField(
        source="gone", help_text="Number of photos that are not in the bucket any more."
    )
    mongodb_metadata_count = IntegerField(help_text="Number of stored faces.")
    qdrant_embeddings_count = IntegerField(help_text="Number of stored vectors.")
    storage_consistency = BooleanField(
        help_text="Whether each face had a vector when the run ended."
    )
    skipped = DictField(child=IntegerField(), help_text="Number of skipped photos by reason.")

    def get_database_saved(self, _run: Run) -> bool:
        return True

    def get_processing_time_seconds(self, run: Run) -> float:
        return run_progress(run).elapsed_seconds

    def get_files_per_second(self, run: Run) -> float:
        return run_progress(run).files_per_second

    def get_mongodb_metadata_count(self, run: Run) -> int:
        return self.get_qdrant_embeddings_count(run) + int(run.stats["faces_without_vectors"])

    def get_qdrant_embeddings_count(self, run: Run) -> int:
        return int(run.stats["total_faces"] + run.stats["refused_faces"])

    def get_storage_consistency(self, run: Run) -> bool:
        return not run.stats["faces_without_vectors"]


class RunResultOutput(Output):
    """A finished run with the photos of each cluster, the largest cluster first."""

    bucket = CharField(source="collection", help_text=PATH)
    clusters = ListField(
        child=ListField(child=CharField()), help_text="Keys of the photos of each cluster."
    )
    noise = ListField(child=CharField(), help_text="Keys of photos with a face in no cluster.")
    timestamp = TimeField(source="finished_at", help_text="When the run ended.")
    stats = RunStatsOutput(source="*", help_text="Statistics of the run.")


class ProgressNumbersOutput(Output):
    """Progress of a run; all counts but `faces` are photos, `done` includes unchanged ones."""

    listed = IntegerField(help_text="Number of photos in the bucket so far.")
    done = IntegerField(help_text="Number of processed photos.")
    failed = IntegerField(help_text="Number of photos that could not be read.")
    faces = IntegerField(help_text="Number of detected faces.")
    percent = FloatField(help_text="Processed photos in percent.")
    eta_seconds = IntegerField(
        allow_null=True, help_text="Estimated seconds to the end; null if unknown."
    )


class RunFailureOutput(Output):
    """Why a run ended without a result."""

    code = CharField(source="failure_code", help_text="For programs.")
    detail = CharField(source="failure", help_text="As a sentence.")


class ClusterSizeRowOutput(Output):
    """Size of a cluster: `size` counts photos."""

    cluster_id = CharField(help_text="The label of the cluster.")
    size = IntegerField(help_text="Number of photos.")
    face_count = IntegerField(help_text="Number of faces.")


class RunVectorsOutput(Output):
    """Numbers of vectors that a run clustered."""

    total_embeddings = IntegerField(source="stats.total_faces", help_text=FACES)
    clusters_with_embeddings = IntegerField(source="stats.num_clusters", help_text=CLUSTERS)
    noise_embeddings = IntegerField(source="stats.noise_count", help_text=UNMATCHED)


class RunStatusOutput(Output):
    """Status of a run, with the results if it has finished.

    `cluster_details` has the 10,000 largest clusters; `num_clusters` counts all.
    """

    bucket_path = CharField(source="collection", help_text=PATH)
    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    timestamp = TimeField(help_text="When the run finished, or was accepted.")
    state = CharField(help_text=STATE)
    progress = ProgressNumbersOutput(help_text="Progress of the run.")
    waiting_for = CharField(required=False, help_text=WAITING)
    failure = RunFailureOutput(required=False, help_text="Why the run failed.")
    num_clusters = IntegerField(required=False, help_text=CLUSTERS)
    total_images = IntegerField(required=False, help_text=IMAGES)
    total_faces = IntegerField(required=False, help_text=FACES)
    noise_count = IntegerField(required=False, help_text=UNMATCHED)
    cluster_details = ClusterSizeRowOutput(
        many=True, required=False, help_text="The largest clusters."
    )
    processing_stats = RunStatsOutput(required=False, help_text="Statistics of the run.")
    qdrant_stats = RunVectorsOutput(required=False, help_text="Numbers of vectors.")

    def get_timestamp(self, run: Run) -> datetime:
        finished = run.finished_at if run.state == RunState.FINISHED else None
        moment: datetime = finished or run.created_at
        return moment

    def get_progress(self, run: Run) -> RunProgress:
        return run_progress(run)

    def get_waiting_for(self, run: Run) -> str | None:
        return run.waiting_for or None

    def get_failure(self, run: Run) -> Run | None:
        return run if run.state == RunState.FAILED else None

    def get_num_clusters(self, run: Run) -> int | None:
        return _count(run, "num_clusters")

    def get_total_images(self, run: Run) -> int | None:
        return _count(run, "total_images")

    def get_total_faces(self, run: Run) -> int | None:
        return _count(run, "total_faces")

    def get_noise_count(self, run: Run) -> int | None:
        return _count(run, "noise_count")

    def get_processing_stats(self, run: Run) -> Run | None:
        return _if_finished(run)

    def get_qdrant_stats(self, run: Run) -> Run | None:
        return _if_finished(run)


class RunRowOutput(Output):
    """A run; counts are null until it has finished."""

    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    state = CharField(help_text=STATE)
    is_current = BooleanField(help_text="Whether it is the collection's current run.")
    has_clusters = BooleanField(help_text="Whether its clusters are still stored.")
    model = CharField(help_text="The detector and the embedder, joined by a plus sign.")
    started_by = CharField(help_text="The account or key that started the run.")
    created_at = TimeField(help_text="When the run was accepted.")
    started_at = TimeField(allow_null=True, help_text="When its work began.")
    finished_at = TimeField(allow_null=True, help_text="When it ended.")
    total_images = IntegerField(allow_null=True, help_text=IMAGES)
    total_faces = IntegerField(allow_null=True, help_text=FACES)
    num_clusters = IntegerField(allow_null=True, help_text=CLUSTERS)
    noise_count = IntegerField(allow_null=True, help_text=UNMATCHED)
    url = CharField(help_text="Path of the run.")

    def get_has_clusters(self, run: Run) -> bool:
        return run.state == RunState.FINISHED and not run.forgotten

    def get_total_images(self, run: Run) -> int | None:
        return _count(run, "total_images")

    def get_total_faces(self, run: Run) -> int | None:
        return _count(run, "total_faces")

    def get_num_clusters(self, run: Run) -> int | None:
        return _count(run, "num_clusters")

    def get_noise_count(self, run: Run) -> int | None:
        return _count(run, "noise_count")

    def get_url(self, run: Run) -> str:
        return run_url(run)


class RunRowsOutput(Output):
    """A page of a collection's runs, the newest first."""

    runs = RunRowOutput(many=True, help_text="The runs of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class RunChoicesOutput(Output):
    """The parameters of a run; `max_images` is null for no limit."""

    eps = FloatField(help_text="Largest cosine distance of neighbours.")
    min_samples = IntegerField(help_text="Least number of faces of a cluster.")
    algorithm = CharField(help_text="`dbscan` or `hdbscan`.")
    refine = BooleanField(help_text="Whether the groups are refined by linkage.")
    skip_quality_filter = BooleanField(help_text="Whether faces of poor quality are grouped too.")
    full = BooleanField(help_text="Whether every photo is read again.")
    allow_removals = BooleanField(help_text="Whether the removal of many photos is confirmed.")
    max_images = IntegerField(allow_null=True, help_text="Largest number of photos.")
    batch_size = IntegerField(help_text="Photos of a batch.")
    max_concurrent = IntegerField(help_text="Photos that are read at once.")

    def get_max_images(self, run: Run) -> int | None:
        return run.max_images or None


class RunModelsOutput(Output):
    """The models of a run."""

    detector = CharField(help_text="The detector.")
    embedder = CharField(help_text="The embedder.")
    dimension = IntegerField(help_text="Dimensions of an embedding.")


class RunDetailOutput(RunRowOutput):
    """All data of a run."""

    parameters = RunChoicesOutput(source="*", help_text="The parameters of the run.")
    models = RunModelsOutput(source="*", help_text="The models of the run.")
    thresholds = DictField(child=FloatField(), help_text="Quality thresholds by name.")
    progress = ProgressNumbersOutput(help_text="Progress of the run.")
    cancel_requested = BooleanField(help_text="Whether the run is asked to stop.")
    statistics = RunStatsOutput(allow_null=True, help_text="Statistics; null before the end.")
    skipped = DictField(child=IntegerField(), help_text="Number of skipped photos by reason.")
    waiting_for = CharField(allow_null=True, help_text=WAITING)
    failure = RunFailureOutput(allow_null=True, help_text="Why the run failed.")
    status_url = CharField(help_text="Path of the run's status.")
    skipped_url = CharField(help_text="Path of the list of skipped photos.")

    def get_progress(self, run: Run) -> RunProgress:
        return run_progress(run)

    def get_statistics(self, run: Run) -> Run | None:
        return _if_finished(run)

    def get_waiting_for(self, run: Run) -> str | None:
        return run.waiting_for or None

    def get_failure(self, run: Run) -> Run | None:
        return run if run.state == RunState.FAILED else None

    def get_status_url(self, run: Run) -> str:
        return run_status_url(run)

    def get_skipped_url(self, run: Run) -> str:
        return reverse("run_skipped_api", kwargs={"run_id": run.id})


class SkippedImageOutput(Output):
    """A photo that could not be read, and why.

    `faces_kept` are the faces that an earlier run found in it and that stay.
    """

    image_path = CharField(source="key", help_text="The photo's key in the bucket.")
    reason = CharField(help_text="Why, for programs.")
    detail = CharField(help_text="Why, as a sentence.")
    faces_kept = IntegerField(source="faces", help_text="Number of faces that stay.")
    looked_at = TimeField(help_text="When the photo was tried last.")


class SkippedImagesOutput(Output):
    """A page of photos that could not be read, sorted by key."""

    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    skipped = SkippedImageOutput(many=True, help_text="The photos of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class RunRemovedOutput(Output):
    """What was deleted with a run; `current_run` is the collection's current run afterwards."""

    clustering_id = CharField(source="run.id", help_text=CLUSTERING_ID)
    bucket_path = CharField(source="run.collection", help_text=PATH)
    removed = DictField(child=IntegerField(), help_text="Number of deleted records by kind.")
    current_run = CharField(allow_null=True, help_text="The id of the current run.")

    def get_removed(self, done: RunDeletion) -> dict[str, int]:
        return {kind: done.removed[kind] for kind in ("runs", "clusters", "members", "batches")}

    def get_current_run(self, done: RunDeletion) -> str | None:
        return done.current_run or None


def run_url(run: Run) -> str:
    """Return the path of a run."""
    return reverse("run_api", kwargs={"run_id": run.id})


def run_status_url(run: Run) -> str:
    """Return the path of a run's status."""
    bucket, _, sub = run.collection.partition("/")
    url = reverse("cluster_status_db", kwargs={"bucket": bucket, "sub": sub})
    return f"{url}?clustering_id={run.id}"


def run_result(run: Run, members: Iterable[Member]) -> Answer:
    """Return the answer for a finished run, with the photos of each cluster."""
    keys: dict[str, list[str]] = {}
    for member in members:
        keys.setdefault(member.cluster, []).append(member.key)
    noise = keys.pop(NOISE, [])
    ordered = sorted(keys, key=lambda label: int(label.removeprefix("cluster_")))
    return RunResultOutput.render(
        run,
        clusters=[list(dict.fromkeys(keys[label])) for label in ordered],
        noise=list(dict.fromkeys(noise)),
    )


def run_status_text(run: Run, rows: str) -> str:
    """Return the status of a finished run as JSON; ``rows`` is the JSON text of the cluster sizes.

    The text is inserted unparsed: parsing and writing 3,250 rows takes longer than everything else.
    """
    return f'{json.dumps(RunStatusOutput.render(run))[:-1]}, "cluster_details": {rows}}}'


def _count(run: Run, name: str) -> int | None:
    return run.stats.get(name) if run.state == RunState.FINISHED else None


def _if_finished(run: Run) -> Run | None:
    return run if run.state == RunState.FINISHED else None
