"""Export: the faces of a run with their clusters, streamed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from clustering import examples, selectors, serializers
from clustering.documents import Run, RunState
from clustering.errors import NoGroups, NoSuchRun
from clustering.export import ExportedClusters, export_csv, export_json, export_rows
from storage.errors import InvalidName
from storage.names import CollectionName
from web.api import Api, query_of
from web.negotiation import OneKind
from web.schema import operation

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

ANSWERS = {
    (200, CONTENT_TYPES["json"]): ExportedClusters,
    (200, "text/csv"): {"type": "string", "description": "The same as CSV, a face a line."},
}


class ClustersExportApi(Api):
    """All faces of a run with their clusters."""

    content_negotiation_class = OneKind

    @operation(
        "Export the clusters of a run",
        answers=ANSWERS,
        example=examples.EXPORT,
        query=serializers.ExportQuery,
        refuses=(InvalidName, NoSuchRun, NoGroups),
        tag="export",
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream a face a row, cluster by cluster, as CSV or as one JSON object.

        A cell that a spreadsheet would take for a formula has an apostrophe before it.
        """
        query = query_of(request, serializers.ExportQuery).validated_data
        run, kind = _run(query), query["format"]
        slices = export_rows(run)
        first = next(slices, [])  # a store that is away is a refusal, not half a file
        slices = chain([first], slices)
        return StreamingHttpResponse(
            export_csv(slices) if kind == "csv" else export_json(run, slices),
            content_type=CONTENT_TYPES[kind],
            headers={"Content-Disposition": f'attachment; filename="clusters-{run.id}.{kind}"'},
        )


def _run(query: Mapping[str, str]) -> Run:
    """Return the run asked for, or the one that readers of the collection see."""
    if "run" in query:
        run = selectors.run_get(query["run"])
    else:
        run = selectors.run_current(CollectionName.parse(query["collection"]).path)
    if run.state != RunState.FINISHED or run.forgotten:
        raise NoGroups("The run has no clusters: it has not ended well, or newer ones replaced it.")
    return run
