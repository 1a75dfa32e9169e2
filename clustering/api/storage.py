"""Storage: whether documents, vectors and crops of a collection fit together."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.answers import storage as answers
from clustering.documents import Run
from clustering.edge import request_repair, request_report
from clustering.errors import CollectionBusy, NoSuchRun, RunActive
from storage.errors import InvalidName, ModelMismatch, NoSuchBucket
from storage.names import CollectionName
from vision import ModelMissing
from web.api import Api, query_of
from web.roles import Role
from web.schema import operation


class VerifyStorageApi(Api):
    """Whether documents, vectors and crops of a collection fit together."""

    roles: ClassVar = {"POST": Role.ADMIN}

    @operation(
        "Compare the stores",
        answers={200: answers.StorageComparison},
        example=examples.STORAGE,
        query=serializers.RepairQuery,
        refuses=(InvalidName, NoSuchRun),
        tag="storage",
    )
    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Compare the stores; nothing is changed, whatever ``repair`` says."""
        return Response(answers.storage_json(request_report(_run(request, bucket, sub))))

    @operation(
        "Repair the stores",
        answers={200: answers.StorageComparison},
        example={
            **examples.STORAGE,
            "repair": {"vectors_removed": 2, "photos_read_again": 1, "faces_recomputed": 1},
        },
        query=serializers.RepairQuery,
        refuses=(
            InvalidName,
            NoSuchRun,
            NoSuchBucket,
            RunActive,
            CollectionBusy,
            ModelMismatch,
            ModelMissing,
        ),
        tag="storage",
    )
    def post(self, request: Request, bucket: str, sub: str) -> Response:
        """Remove orphans, recompute what is missing, and compare again."""
        done, report = request_repair(_run(request, bucket, sub))
        return Response(answers.storage_json(report, done))


def _run(request: Request, bucket: str, sub: str) -> Run:
    """Return the run asked for, or the one that readers see."""
    return selectors.run_asked(
        CollectionName.parse(f"{bucket}/{sub}").path,
        query_of(request, serializers.RepairQuery).validated_data.get("clustering_id"),
        otherwise=selectors.run_current,
    )
