"""OpenAPI examples of assignments."""

from __future__ import annotations

RUN = "65f1c0ffee65f1c0ffee65f1"
RUNNER_UP = {"user_id": "bob", "similarity": 0.71}
ROW = {
    "id": "3b9e0c1d2f4a5b6c7d8e9f00",
    "clustering_id": RUN,
    "bucket_path": "photos/summer-2024",
    "cluster_id": "cluster_0",
    "user_id": "ada.lovelace",
    "similarity": 0.957,
    "strategy": "centroid",
    "face_count": 23,
    "decided_by": "machine",
    "state": "assigned",
    "runner_up": RUNNER_UP,
    "rejected": [],
    "version": 1,
    "created_at": "2026-05-01T09:30:00.000Z",
    "updated_at": "2026-05-01T09:30:00.000Z",
}
MATCHED = {
    "clustering_id": RUN,
    "bucket_path": "photos/summer-2024",
    "threshold": 0.65,
    "margin": 0.02,
    "strategy": "centroid",
    "dry_run": False,
    "total_clusters": 2,
    "assigned_clusters": 1,
    "unassigned_clusters": 1,
    "assignments": {
        "cluster_0": {
            "user_id": "ada.lovelace",
            "similarity": 0.957,
            "face_count": 23,
            "image_paths": ["summer-2024/picnic.jpg"],
            "face_ids": ["1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11"],
            "runner_up": RUNNER_UP,
        }
    },
    "unassigned_cluster_ids": ["cluster_1"],
    "unassigned_reasons": {"cluster_1": "below_threshold"},
    "saved_to_db": True,
    "kept": 0,
    "removed": 0,
    "timestamp": "2026-05-01T09:30:00.000Z",
}
RUN_ROWS = {
    "clustering_id": RUN,
    "bucket_path": "photos/summer-2024",
    "total_assignments": 1,
    "assignments": [ROW],
    "next": None,
}
TOTALS = {"clusters": 1, "faces": 23, "average_similarity": 0.957}
OF_USER = {
    "user_id": "ada.lovelace",
    "total_clusters": 1,
    "total_faces": 23,
    "average_similarity": 0.957,
    "bucket_breakdown": {"photos/summer-2024": {"clusters": 1, "faces": 23}},
    "assignments": [
        {
            name: ROW[name]
            for name in (
                "id",
                "clustering_id",
                "cluster_id",
                "bucket_path",
                "similarity",
                "face_count",
                "decided_by",
                "state",
                "created_at",
            )
        }
    ],
    "next": None,
}
STATISTICS = {
    "total": TOTALS,
    "per_user": {"ada.lovelace": TOTALS},
    "per_collection": {"photos/summer-2024": TOTALS},
    "per_strategy": {"centroid": TOTALS},
}
