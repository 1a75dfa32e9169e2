"""OpenAPI examples of decisions."""

from __future__ import annotations

from assignments.api.examples import RUN

DECISION = {
    "id": "0f3a9b1c2d4e5f6700000012",
    "number": 12,
    "bucket_path": "photos/summer-2024",
    "kind": "reject",
    "by": "eve",
    "at": "2026-05-01T09:31:00.000Z",
    "clustering_id": RUN,
    "faces": ["1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11"],
    "face_count": 1,
    "moved": 1,
    "person": "9c1f0a7745b0e1d2c3b4a596",
    "other": "",
    "new_cluster_id": "",
    "user_id": "",
    "undoes": "",
    "is_undone": False,
}


UNDONE = {
    **DECISION,
    "id": "0f3a9b1c2d4e5f6700000013",
    "number": 13,
    "kind": "undo",
    "undoes": DECISION["id"],
}


DECIDED = {
    "bucket_path": "photos/summer-2024",
    "dry_run": False,
    "made": 1,
    "refused": 0,
    "results": [{"status": 201, "decision": DECISION}],
}
