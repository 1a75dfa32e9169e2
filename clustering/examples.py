"""OpenAPI examples of clustering."""

from __future__ import annotations

from clustering.answers.clusters import ClusterFace, ClusterFaces
from clustering.answers.collections import (
    CollectionDetail,
    CollectionRow,
    PurgeAnswer,
    PurgedByStore,
)
from clustering.answers.faces import FaceDetail
from clustering.answers.preview import ProposedMerges, RunChanges
from clustering.answers.run_details import RunDetail, RunRemoved, RunRow, SkippedImages
from clustering.answers.runs import ProgressNumbers, RunQueued, RunResult, RunStats, RunStatus
from clustering.answers.storage import RepairDone, StorageComparison
from clustering.export import ExportedClusters

RUN_ID = "65f1c0ffee65f1c0ffee65f1"
FACE_ID = "1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11"
PATH, KEY = "photos/summer-2024", "summer-2024/beach/IMG_0042.jpg"
STARTED, FINISHED = "2026-05-01T09:30:00.000Z", "2026-05-01T09:31:12.400Z"
BOX = [120.5, 64.0, 96.25, 120.75]

QUEUED: RunQueued = {
    "clustering_id": RUN_ID,
    "bucket": PATH,
    "state": "queued",
    "status_url": f"/cluster-status-db/{PATH}?clustering_id={RUN_ID}",
}
STATS: RunStats = {
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
    "clustering_id": RUN_ID,
    "database_saved": True,
    "processing_time_seconds": 72.4,
    "files_per_second": 1.671,
    "decoded_images": 121,
    "unchanged_images": 0,
    "gone_images": 0,
    "mongodb_metadata_count": 220,
    "qdrant_embeddings_count": 220,
    "storage_consistency": True,
    "skipped": {"unreadable_image": 1},
}
RESULT: RunResult = {
    "bucket": PATH,
    "clusters": [[KEY, "summer-2024/beach/IMG_0043.jpg"]],
    "noise": ["summer-2024/IMG_0001.jpg"],
    "timestamp": FINISHED,
    "stats": STATS,
}
PROGRESS: ProgressNumbers = {
    "listed": 121,
    "done": 121,
    "failed": 1,
    "faces": 220,
    "percent": 100.0,
    "eta_seconds": 0,
}
STATUS: RunStatus = {
    "bucket_path": PATH,
    "clustering_id": RUN_ID,
    "timestamp": FINISHED,
    "state": "finished",
    "progress": PROGRESS,
    "num_clusters": 18,
    "total_images": 120,
    "total_faces": 214,
    "noise_count": 9,
    "cluster_details": [{"cluster_id": "cluster_0", "size": 40, "face_count": 41}],
    "processing_stats": STATS,
    "qdrant_stats": {
        "total_embeddings": 214,
        "clusters_with_embeddings": 18,
        "noise_embeddings": 9,
    },
}
FACE: ClusterFace = {
    "face_id": FACE_ID,
    "image_path": KEY,
    "confidence": 0.93,
    "quality_score": 0.81,
    "bbox": BOX,
    "similarity": 0.962,
    "embedding_available": True,
    "embedding_size": 512,
    "timestamp": FINISHED,
    "crop_url": f"/api/v1/faces/{FACE_ID}/crop/",
    "image_url": f"/api/v1/faces/{FACE_ID}/image/",
    "verdict": "kept",
    "put_by": "machine",
}
CLUSTER: ClusterFaces = {
    "clustering_id": RUN_ID,
    "cluster_id": "cluster_0",
    "bucket_path": PATH,
    "total_faces": 41,
    "cluster_size": 40,
    "cohesion": 0.874,
    "person": "9c1f0a7745b0e1d2c3b4a596",
    "covers": ["1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11"],
    "version": 3,
    "faces": [FACE],
    "image_paths": [KEY],
    "face_ids": [FACE_ID],
    "embeddings_in_qdrant": 1,
    "next": "NjVmMWMwZmZlZTY1ZjFjMGZmZWU2NWYxL2NsdXN0ZXJfMC8wMDAwMDAwMA",
}
STORAGE: StorageComparison = {
    "clustering_id": RUN_ID,
    "bucket_path": PATH,
    "storage_architecture": "MongoDB: metadata; Qdrant: vectors; Django storage: crops",
    "mongodb_stats": {
        "total_metadata_entries": 220,
        "faces_with_embeddings": 220,
        "faces_without_embeddings": 0,
    },
    "qdrant_stats": {
        "total_embeddings": 220,
        "clusters_with_embeddings": 2,
        "noise_embeddings": 9,
        "cluster_distribution": {"cluster_0": 41, "cluster_1": 38, "noise": 9},
    },
    "consistency_check": {
        "matching_face_ids": 220,
        "mongodb_only": 0,
        "qdrant_only": 0,
        "total_consistency": True,
        "mongodb_only_ids": [],
        "qdrant_only_ids": [],
        "wrong_dimension": 0,
        "wrong_model": 0,
        "wrong_cluster": 0,
        "missing_crops": 0,
        "damaged_crops": 0,
        "damaged_crops_ids": [],
        "faces_missing": 0,
        "faces_missing_ids": [],
        "images_missing": 0,
        "images_missing_keys": [],
        "members_without_face": 0,
        "members_without_face_ids": [],
        "faces_without_member": 0,
        "faces_without_member_ids": [],
        "clusters_wrong": 0,
        "clusters_wrong_ids": [],
        "run_needed": False,
    },
    "architecture_working": True,
}
REPAIR: RepairDone = {
    "vectors_removed": 2,
    "photos_read_again": 1,
    "faces_recomputed": 1,
    "faces_restored": 1,
    "members_removed": 0,
    "clusters_recounted": 0,
    "not_restored": 0,
    "not_restored_photos": [],
}
RUN_ROW: RunRow = {
    "clustering_id": RUN_ID,
    "bucket_path": PATH,
    "state": "finished",
    "is_current": True,
    "has_clusters": True,
    "model": "yolov8n-face+facenet512",
    "started_by": "grace",
    "created_at": STARTED,
    "started_at": STARTED,
    "finished_at": FINISHED,
    "total_images": 120,
    "total_faces": 214,
    "num_clusters": 18,
    "noise_count": 9,
    "url": f"/api/v1/runs/{RUN_ID}/",
}
RUN: RunDetail = {
    **RUN_ROW,
    "parameters": {
        "eps": 0.35,
        "min_samples": 2,
        "algorithm": "dbscan",
        "refine": True,
        "skip_quality_filter": False,
        "full": False,
        "allow_removals": False,
        "max_images": None,
        "batch_size": 30,
        "max_concurrent": 12,
    },
    "models": {"detector": "yolov8n-face", "embedder": "facenet512", "dimension": 512},
    "thresholds": {"min_face_size": 30, "min_confidence": 0.4, "blur_threshold": 50},
    "progress": PROGRESS,
    "cancel_requested": False,
    "statistics": STATS,
    "skipped": {"unreadable_image": 1},
    "waiting_for": None,
    "failure": None,
    "status_url": QUEUED["status_url"],
    "skipped_url": f"/api/v1/runs/{RUN_ID}/skipped/",
}
RUN_REMOVED: RunRemoved = {
    "clustering_id": RUN_ID,
    "bucket_path": PATH,
    "removed": {"runs": 1, "clusters": 19, "members": 214, "batches": 0},
    "current_run": "65f1c0ffee65f1c0ffee65f0",
}
SKIPPED: SkippedImages = {
    "clustering_id": RUN_ID,
    "bucket_path": PATH,
    "skipped": [
        {
            "image_path": "summer-2024/broken.jpg",
            "reason": "unreadable_image",
            "detail": "The image is damaged or incomplete.",
            "faces_kept": 0,
            "looked_at": FINISHED,
        }
    ],
    "next": None,
}
COLLECTION_ROW: CollectionRow = {
    "path": PATH,
    "bucket": "photos",
    "sub": "summer-2024",
    "updated_at": FINISHED,
    "current_run": RUN_ROW,
    "newest_run": RUN_ROW,
    "total_images": 120,
    "total_faces": 214,
    "num_clusters": 18,
    "noise_count": 9,
    "url": f"/api/v1/collections/{PATH}/",
}
COLLECTION: CollectionDetail = {
    **COLLECTION_ROW,
    "runs": [RUN_ROW],
    "runs_url": "/api/v1/runs/?collection=photos%2Fsummer-2024",
}
REMOVED: PurgedByStore = {
    "mongodb": {
        "collections": 1,
        "runs": 2,
        "batches": 0,
        "decisions": 0,
        "decided_faces": 0,
        "images": 121,
        "faces": 220,
        "clusters": 19,
        "members": 214,
    },
    "qdrant": {"vectors": 220},
    "files": {"crops": 220},
    "login_database": {"kept_answers": 0},
}
LEFT: PurgedByStore = {
    "mongodb": {
        "collections": 0,
        "runs": 0,
        "batches": 0,
        "decisions": 0,
        "decided_faces": 0,
        "images": 0,
        "faces": 0,
        "clusters": 0,
        "members": 0,
    },
    "qdrant": {"vectors": 0},
    "files": {"crops": 0},
    "login_database": {"kept_answers": 0},
}
PURGE: PurgeAnswer = {"bucket_path": PATH, "complete": True, "removed": REMOVED, "left": LEFT}
FACE_DETAIL: FaceDetail = {
    "face_id": FACE_ID,
    "bucket_path": PATH,
    "image_path": KEY,
    "image": {
        "width": 4032,
        "height": 3024,
        "size": 2_811_904,
        "format": "HEIF",
        "taken": "2024-05-01T12:30:59",
        "faces": 2,
    },
    "index": 0,
    "bbox": BOX,
    "landmarks": [[140.0, 110.5], [190.2, 109.1], [166.0, 140.4], [145.3, 160.0], [187.7, 158.9]],
    "confidence": 0.93,
    "quality": {"score": 0.81, "size": 96.25, "blur": 412.5, "pose": 0.9},
    "verdict": "kept",
    "reason": None,
    "model": "yolov8n-face+facenet512",
    "embedder": "facenet512",
    "created_at": FINISHED,
    "cluster": {
        "clustering_id": RUN_ID,
        "cluster_id": "cluster_0",
        "similarity": 0.962,
        "put_by": "machine",
        "cluster_url": f"/cluster-details-db/{PATH}/cluster_0?clustering_id={RUN_ID}",
    },
    "crop_url": f"/api/v1/faces/{FACE_ID}/crop/",
    "image_url": f"/api/v1/faces/{FACE_ID}/image/",
    "preview_url": f"/api/v1/faces/{FACE_ID}/preview/",
}
EXPORT: ExportedClusters = {
    "clustering_id": RUN_ID,
    "bucket_path": PATH,
    "faces": [
        {
            "clustering_id": RUN_ID,
            "cluster_id": "cluster_0",
            "face_id": FACE_ID,
            "image_path": KEY,
            "bbox": BOX,
            "confidence": 0.93,
            "quality": 0.81,
            "similarity": 0.962,
            "verdict": "kept",
        }
    ],
}
CHANGES: RunChanges = {
    "clustering_id": RUN_ID,
    "bucket_path": PATH,
    "compared_with": "65f1c0ffee65f1c0ffee65f0",
    "is_preview": True,
    "merged_clusters": 1,
    "split_clusters": 0,
    "moved_faces": 12,
    "new_faces": 0,
    "broken_decisions": 0,
    "faces": [
        {
            "face_id": FACE_ID,
            "image_path": "summer-2024/picnic.jpg",
            "from_cluster_id": "cluster_4",
            "to_cluster_id": "cluster_1",
        }
    ],
    "next": None,
}
PROPOSALS: ProposedMerges = {
    "clustering_id": RUN_ID,
    "bucket_path": PATH,
    "proposals": [
        {
            "cluster_id": "cluster_0",
            "other_cluster_id": "cluster_7",
            "similarity": 0.931,
            "face_count": 41,
            "other_face_count": 3,
        }
    ],
}
