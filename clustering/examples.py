"""Sample documents; the examples of the OpenAPI document are rendered from them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from clustering.deletion import PurgeReceipt, RunDeletion
from clustering.documents import Cluster, Collection, Face, Image, Member, Run, RunState
from clustering.merge_suggestions import MergeSuggestion
from clustering.outputs.collections import CollectionRuns
from clustering.outputs.faces import GroupedFace
from clustering.storage_check import StorageReport
from clustering.storage_repair import StorageRepair

RUN_ID, EARLIER_ID = "65f1c0ffee65f1c0ffee65f1", "65f1c0ffee65f1c0ffee65f0"
FACE_ID = "1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11"
PATH, KEY = "photos/summer-2024", "summer-2024/beach/IMG_0042.jpg"
STARTED = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
FINISHED = datetime(2026, 5, 1, 9, 31, 12, 400_000, tzinfo=UTC)
MODEL, EMBEDDER = "yolov8n-face+facenet512", "facenet512"

RUN = Run(
    id=RUN_ID,
    collection=PATH,
    state=RunState.FINISHED,
    model=MODEL,
    detector="yolov8n-face",
    embedder=EMBEDDER,
    dimension=512,
    started_by="grace",
    created_at=STARTED,
    started_at=STARTED,
    finished_at=FINISHED,
    eps=0.35,
    min_samples=2,
    algorithm="dbscan",
    batch_size=30,
    max_concurrent=12,
    thresholds={"min_face_size": 30, "min_confidence": 0.4, "blur_threshold": 50},
    listed=121,
    todo=121,
    done=121,
    decoded=121,
    failed=1,
    faces=220,
    skipped={"unreadable_image": 1},
    previewed_from=EARLIER_ID,
    preview=True,
    changes={"merged_clusters": 1, "moved_faces": 12},
    stats={
        "total_images": 120,
        "total_faces": 214,
        "num_clusters": 18,
        "noise_count": 9,
        "refused_faces": 6,
        "faces_without_vectors": 0,
        "avg_faces_per_image": 1.7833,
        "avg_cluster_size": 11.3889,
        "largest_cluster_size": 41,
        "cluster_size_distribution": {"small (2-5)": 7, "medium (6-15)": 6, "large (16+)": 5},
    },
)
QUEUED = Run(id=RUN_ID, collection=PATH)
CLUSTER_SIZES = [{"cluster_id": "cluster_0", "size": 40, "face_count": 41}]
IMAGE = Image(
    key=KEY,
    width=4032,
    height=3024,
    size=2_811_904,
    format="HEIF",
    taken="2024-05-01T12:30:59",
    faces=2,
)
SKIPPED = Image(
    key="summer-2024/broken.jpg",
    reason="unreadable_image",
    detail="The image is damaged or incomplete.",
    looked_at=FINISHED,
)
FACE = Face(
    id=FACE_ID,
    collection=PATH,
    key=KEY,
    index=0,
    bbox=[120.5, 64.0, 96.25, 120.75],
    landmarks=[140.0, 110.5, 190.2, 109.1, 166.0, 140.4, 145.3, 160.0, 187.7, 158.9],
    confidence=0.93,
    size=96.25,
    blur=412.5,
    pose=0.9,
    quality_score=0.81,
    model=MODEL,
    embedder=EMBEDDER,
    created_at=FINISHED,
)
MEMBER = Member(face=FACE_ID, key=KEY, cluster="cluster_0", similarity=0.962)
GROUPED = GroupedFace(RUN, MEMBER, FACE)
CLUSTER = Cluster(
    label="cluster_0",
    face_count=41,
    image_count=40,
    cohesion=0.874,
    person="9c1f0a7745b0e1d2c3b4a596",
    version=3,
    covers=[FACE_ID],
)
COLLECTION = CollectionRuns(
    Collection(
        path=PATH,
        bucket="photos",
        sub="summer-2024",
        updated_at=FINISHED,
        current_run=RUN_ID,
        newest_run=RUN_ID,
    ),
    RUN,
    RUN,
)
REPORT = StorageReport(
    clustering_id=RUN_ID,
    bucket_path=PATH,
    faces=220,
    vectors=220,
    matching=220,
    clusters=Counter({"cluster_0": 41, "cluster_1": 38, "noise": 9}),
)
REPAIR = StorageRepair(vectors_removed=2, photos_read_again=1, faces_recomputed=1, faces_restored=1)
RUN_REMOVED = RunDeletion(RUN, Counter(runs=1, clusters=19, members=214), EARLIER_ID)
PURGE = PurgeReceipt(
    PATH,
    removed=Counter(
        collections=1,
        runs=2,
        images=121,
        faces=220,
        clusters=19,
        members=214,
        vectors=220,
        crops=220,
    ),
)
SUGGESTION = MergeSuggestion("cluster_0", "cluster_7", 0.931, 41, 3)
