"""MongoDB documents of clustering: collections, runs, batches, images, faces, clusters, members.

Primary keys are strings. Growing lists are separate documents. Every list that is paged or
iterated has one indexed string as sort key (``sort_key``, stored as ``place``), read by range: the
only kind of query whose cost does not grow with the collection, on the embedded store as well as
on a server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from itertools import islice
from uuid import NAMESPACE_URL, UUID, uuid5

from mongoengine import Document, fields

from storage.fields import TimestampField
from storage.jobs import Job

ID_NAMESPACE: UUID = uuid5(NAMESPACE_URL, "faceadmin")
NOISE = "noise"
NO_CLUSTER = ("poor", "ignored", "not_a_face")  # locations of faces outside of clusters
CLUSTERS_LISTED = 10_000


class RunState(StrEnum):
    """State of a run, in order; the last three are final."""

    QUEUED = "queued"
    LISTING = "listing"
    WORKING = "working"
    GROUPING = "grouping"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE_STATES = (RunState.QUEUED, RunState.LISTING, RunState.WORKING, RunState.GROUPING)


class BatchState(StrEnum):
    """State of a batch; GONE marks a list of keys that were removed from the bucket."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DONE = "done"
    GONE = "gone"


class ImageState(StrEnum):
    """An image was read, or skipped for a reason."""

    READ = "read"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """Verdict on a face: by the quality filter (kept, poor) or by a reviewer (the others)."""

    KEPT = "kept"
    POOR = "poor"
    IGNORED = "ignored"
    NOT_A_FACE = "not_a_face"


def collection_sort_key(collection: str, name: str) -> str:
    """Return the sort key of ``name`` in a collection; names of collections contain no tab."""
    return f"{collection}\t{name}"


class Collection(Document):
    """A clustered ``bucket/sub``, with its current run.

    The holder of its lease projects decisions into the current run. ``log`` is the id of its event
    log: a new id invalidates every process's cached state, so that the log is replayed. ``regroup``
    makes the next run group anew although no photo changed: a repair restored faces.
    """

    path = fields.StringField(primary_key=True)
    bucket = fields.StringField(required=True)
    sub = fields.StringField(required=True)
    current_run = fields.StringField(default="")
    active_run = fields.StringField(default="")
    newest_run = fields.StringField(default="")
    log = fields.StringField(default="")
    regroup = fields.BooleanField(default=False)
    lease_owner = fields.StringField(default="")
    lease_until = fields.LongField(default=0)
    updated_at = TimestampField()

    meta = {"collection": "collections", "auto_create_index": True}


class Removal(Document):
    """Lock of a collection during a removal: no run can start."""

    id = fields.StringField(primary_key=True)
    lease_owner = fields.StringField(default="")
    lease_until = fields.LongField(default=0)

    meta = {"collection": "removals", "auto_create_index": True}


class Run(Job):
    """One grouping of a collection; its id is the ``clustering_id`` of the API.

    It was ``grouped_at`` that decision of the collection's log, and its documents show those up to
    ``projected_seq``. ``inputs`` is a digest of the images and faces it was grouped from. A
    ``preview`` waits to be applied.
    """

    id = fields.StringField(primary_key=True)
    collection = fields.StringField(required=True)
    state = fields.EnumField(RunState, default=RunState.QUEUED)
    sort_key = fields.StringField(required=True, db_field="place")

    eps = fields.FloatField(required=True)
    min_samples = fields.IntField(required=True)
    algorithm = fields.StringField(required=True)
    refine = fields.BooleanField(default=True)
    skip_quality_filter = fields.BooleanField(default=False)
    full = fields.BooleanField(default=False)
    allow_removals = fields.BooleanField(default=False)
    max_images = fields.IntField(default=0)
    batch_size = fields.IntField(required=True)
    max_concurrent = fields.IntField(required=True)

    detector = fields.StringField(required=True)
    embedder = fields.StringField(required=True)
    model = fields.StringField(required=True)
    dimension = fields.IntField(required=True)
    thresholds = fields.DictField()

    started_by = fields.StringField(default="")
    had_photos = fields.BooleanField(default=False)  # when it was started
    started_at = TimestampField()

    listed = fields.IntField(default=0)
    other_files = fields.IntField(default=0)
    unchanged = fields.IntField(default=0)
    gone = fields.IntField(default=0)
    todo = fields.IntField(default=0)
    done = fields.IntField(default=0)
    decoded = fields.IntField(default=0)
    failed = fields.IntField(default=0)
    faces = fields.IntField(default=0)
    last_key = fields.StringField(default="")

    inputs = fields.StringField(default="")
    shares_groups_of = fields.StringField(default="", db_field="groups_of")
    preview = fields.BooleanField(default=False)
    previewed_from = fields.StringField(default="")
    changes = fields.DictField()
    grouped = fields.BooleanField(default=False)
    grouped_at = fields.IntField(default=0)
    projected_seq = fields.IntField(default=0, db_field="decided")
    label_count = fields.IntField(default=0, db_field="labels")
    forgotten = fields.BooleanField(default=False)
    stats = fields.DictField()
    skipped = fields.DictField()

    meta = {"collection": "runs", "indexes": ["sort_key"], "auto_create_index": True}

    @property
    def is_active(self) -> bool:
        """Say whether the run is queued or running."""
        return self.state in ACTIVE_STATES

    @property
    def clusters_run(self) -> str:
        """Return the id that its clusters are stored under: its own, or that of an equal run."""
        return self.shares_groups_of or self.id


class Batch(Document):
    """Objects of one run that a worker reads together, or keys removed from the bucket."""

    id = fields.StringField(primary_key=True)
    run = fields.StringField(required=True)
    claim = fields.StringField(required=True)
    state = fields.EnumField(BatchState, default=BatchState.PENDING)
    keys = fields.ListField(fields.StringField())
    tags = fields.ListField(fields.StringField())
    lease_owner = fields.StringField(default="")
    lease_until = fields.LongField(default=0)
    attempts = fields.IntField(default=0)

    meta = {"collection": "batches", "indexes": ["run", "claim"], "auto_create_index": True}

    @staticmethod
    def claim_key(run: str, state: BatchState) -> str:
        """Return the value of the indexed field that workers query."""
        return f"{run}/{state}"


class Image(Document):
    """An object of a bucket that was read, or skipped for a reason.

    ``reason`` says why it could not be read at the last look. What was read before that, and its
    faces, stay: ``tag`` and ``digest`` are those of the content that was read.

    ``taken`` is when, on the camera's clock: ISO 8601, "" if the photo does not say.
    """

    id = fields.StringField(primary_key=True)
    collection = fields.StringField(required=True)
    key = fields.StringField(required=True)
    sort_key = fields.StringField(required=True, db_field="place")
    skip_sort_key = fields.StringField(db_field="skip_place")
    tag = fields.StringField(required=True)
    digest = fields.StringField(default="")
    size = fields.IntField(default=0)
    width = fields.IntField(default=0)
    height = fields.IntField(default=0)
    format = fields.StringField(default="")
    taken = fields.StringField(default="")
    state = fields.EnumField(ImageState, default=ImageState.READ)
    reason = fields.StringField(default="")
    detail = fields.StringField(default="")
    faces = fields.IntField(default=0)
    model = fields.StringField(required=True)
    looked_at = TimestampField(required=True)

    meta = {
        "collection": "images",
        "indexes": ["sort_key", "skip_sort_key"],
        "auto_create_index": True,
    }

    @staticmethod
    def id_for(collection: str, key: str) -> str:
        """Return the id of the object ``key`` in a collection."""
        return str(uuid5(ID_NAMESPACE, f"image\t{collection}\t{key}"))


class Face(Document):
    """One face in one image; its vector and crop have the same id."""

    id = fields.StringField(primary_key=True)
    collection = fields.StringField(required=True)
    sort_key = fields.StringField(required=True, db_field="place")
    image = fields.StringField(required=True)
    key = fields.StringField(required=True)
    taken = fields.StringField(default="")
    index = fields.IntField(required=True)
    bbox = fields.ListField(fields.FloatField())
    landmarks = fields.ListField(fields.FloatField())
    confidence = fields.FloatField(required=True)
    size = fields.FloatField(required=True)
    blur = fields.FloatField(required=True)
    pose = fields.FloatField(required=True)
    quality_score = fields.FloatField(required=True)
    verdict = fields.EnumField(Verdict, default=Verdict.KEPT)
    reason = fields.StringField(default="")
    model = fields.StringField(required=True)
    embedder = fields.StringField(required=True)
    created_at = TimestampField(required=True)

    meta = {"collection": "faces", "indexes": ["sort_key", "image"], "auto_create_index": True}

    @staticmethod
    def id_for(collection: str, key: str, *, digest: str, model: str, index: int) -> str:
        """Return the id of the ``index``-th face of an object with this content.

        It contains the digest, not the bucket's etag, so a folder and an S3 bucket with the same
        photos give the same ids.
        """
        return str(uuid5(ID_NAMESPACE, f"face\t{collection}\t{key}\t{digest}\t{model}\t{index}"))


class Cluster(Document):
    """A person in a run, or the run's noise; ``person`` is stable across runs.

    ``newest`` is the time of its newest photo. ``version`` is the number of the last decision
    about it. ``needs_stats`` is its id while ``newest``, ``cohesion`` and the order of its faces do
    not reflect the decision ``changed_by`` yet.
    """

    id = fields.StringField(primary_key=True)
    run = fields.StringField(required=True)
    label = fields.StringField(required=True)
    person = fields.StringField(default="")
    person_sort_key = fields.StringField(db_field="person_place")
    sort_key = fields.StringField(required=True, db_field="place")
    face_count = fields.IntField(required=True)
    image_count = fields.IntField(required=True)
    covers = fields.ListField(fields.StringField())
    cohesion = fields.FloatField(default=0.0)
    newest = fields.StringField(default="")
    version = fields.IntField(default=0)
    needs_stats = fields.StringField(db_field="stale")
    changed_by = fields.IntField(default=0)
    described_at = fields.LongField(default=0)  # milliseconds since 1970

    meta = {
        "collection": "clusters",
        "indexes": ["sort_key", "person_sort_key", "needs_stats"],
        "auto_create_index": True,
    }

    @staticmethod
    def id_for(run: str, label: str) -> str:
        """Return the id of a label in a run."""
        return f"{run}:{label}"

    @staticmethod
    def person_sort_key_for(run: str, person: str) -> str:
        """Return the key of a person's cluster in a run."""
        return f"{run}/{person}"

    @property
    def is_noise(self) -> bool:
        """Say whether these are the unmatched faces."""
        return self.label == NOISE


class ClusterSizes(Document):
    """The sizes of a run's clusters as one JSON list, sent to clients unparsed.

    A cache: code that changes clusters rewrites or deletes it; without it the clusters are read.
    """

    run = fields.StringField(primary_key=True)
    rows = fields.StringField(required=True)

    meta = {"collection": "cluster_sizes", "auto_create_index": True}

    @staticmethod
    def rows_of(sizes: Iterable[tuple[str, int, int]]) -> str:
        """Return (label, images, faces) as JSON, the first CLUSTERS_LISTED of them."""
        return json.dumps(
            [
                {"cluster_id": label, "size": images, "face_count": faces}
                for label, images, faces in islice(sizes, CLUSTERS_LISTED)
            ]
        )


class Member(Document):
    """A face in a run: its cluster, its rank there, and its similarity to the centroid.

    ``base`` is the cluster from the grouping, before decisions; "" if it took no part.
    """

    id = fields.StringField(primary_key=True)
    run = fields.StringField(required=True)
    face = fields.StringField(required=True)
    key = fields.StringField(required=True)
    taken = fields.StringField(default="")
    cluster = fields.StringField(required=True)
    base = fields.StringField(default="")
    sort_key = fields.StringField(required=True, db_field="place")
    similarity = fields.FloatField(default=0.0)
    put_by = fields.StringField(default="machine")

    meta = {"collection": "members", "indexes": ["sort_key"], "auto_create_index": True}

    @staticmethod
    def id_for(run: str, face: str) -> str:
        """Return the id of a face's member document in a run."""
        return f"{run}:{face}"

    @staticmethod
    def sort_key_for(run: str, label: str, rank: int) -> str:
        """Return the sort key: members of one cluster are contiguous, most typical first."""
        return f"{run}/{label}/{rank:08d}"

    @staticmethod
    def dated_sort_key_for(run: str, label: str, *, taken: str, key: str, face: str) -> str:
        """Return the sort key by date, then by file."""
        return f"{run}/{label}/{taken}\t{key}\t{face}"

    @staticmethod
    def decided_sort_key(run: str, label: str, seq: int, face: str) -> str:
        """Return the sort key of a face assigned by a reviewer: after those of the grouping."""
        within = excluded_sort_key(run) if label in NO_CLUSTER else f"{run}/"
        return f"{within}{label}/~{seq:08d}/{face}"


def cluster_sort_key(run: str, rank: int | None) -> str:
    """Return the sort key of a cluster in its run: the largest first, noise (no rank) last."""
    return f"{run}/{'~' if rank is None else f'{rank:08d}'}"


def excluded_sort_key(run: str) -> str:
    """Return the prefix of the sort keys of faces that are in no cluster of a run."""
    return f"{run}!out/"


def emptied_sort_key(run: str, label: str) -> str:
    """Return the sort key of an empty cluster: outside of every listing."""
    return f"{run}!emptied/{label}"
