"""Examples for the description of the REST resources."""

from __future__ import annotations

from clustering.answers.clusters import ClusterFace, ClusterFaces
from clustering.answers.runs import ProgressNumbers, RunQueued, RunResult, RunStats, RunStatus
from clustering.answers.storage import StorageComparison

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
}
CLUSTER: ClusterFaces = {
    "clustering_id": RUN_ID,
    "cluster_id": "cluster_0",
    "bucket_path": PATH,
    "total_faces": 41,
    "cluster_size": 40,
    "cohesion": 0.874,
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
    },
    "architecture_working": True,
}
