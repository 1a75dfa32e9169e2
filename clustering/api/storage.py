"""REST resource of the consistency check of documents, vectors and crops."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.documents import Run
from clustering.errors import CollectionBusy, NoSuchRun, RunActive
from clustering.outputs.storage import StorageComparisonOutput
from clustering.services import check_storage, repair_storage
from storage.errors import InvalidName, ModelMismatch
from storage.names import CollectionName
from vision import ModelMissing
from web.rest import Api, parse_query
from web.roles import Role
from web.schema import operation


class VerifyStorageApi(Api):
    """Consistency of a collection's documents, vectors and crops."""

    roles: ClassVar = {"POST": Role.ADMIN}

    @operation(
        "Compare the stores",
        answers={200: StorageComparisonOutput},
        example=lambda: StorageComparisonOutput.render(examples.REPORT),
        query=serializers.RepairQuery,
        refuses=(InvalidName, NoSuchRun),
        tag="storage",
    )
    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Compare the stores; changes nothing, ``repair`` is ignored."""
        return Response(StorageComparisonOutput.render(check_storage(_run(request, bucket, sub))))

    @operation(
        "Repair the stores",
        answers={200: StorageComparisonOutput},
        example=lambda: StorageComparisonOutput.render(examples.REPORT, repair=examples.REPAIR),
        query=serializers.RepairQuery,
        refuses=(
            InvalidName,
            NoSuchRun,
            RunActive,
            CollectionBusy,
            ModelMismatch,
            ModelMissing,
        ),
        tag="storage",
    )
    def post(self, request: Request, bucket: str, sub: str) -> Response:
        """Restore what is lost from the photos, remove what belongs to no photo, compare again.

        Nothing is changed while the bucket cannot be read (503). ``run_needed`` in the answer says
        that restored faces are in no group yet: the next run groups anew.
        """
        done, report = repair_storage(_run(request, bucket, sub))
        return Response(StorageComparisonOutput.render(report, repair=done))


def _run(request: Request, bucket: str, sub: str) -> Run:
    """Return the requested run, or the current run."""
    return selectors.requested_run(
        CollectionName.parse(f"{bucket}/{sub}").path,
        parse_query(request, serializers.RepairQuery).validated_data.get("clustering_id"),
        otherwise=selectors.current_run,
    )
