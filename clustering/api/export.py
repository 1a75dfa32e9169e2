"""REST resource that streams the faces of a run with their clusters."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, islice

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from clustering import examples, selectors, serializers
from clustering.documents import Run, RunState
from clustering.errors import NoGroups, NoSuchRun
from clustering.export import iter_export_faces
from clustering.outputs.faces import ExportedClustersOutput, ExportedFaceOutput
from clustering.services import ensure_projected
from storage.errors import InvalidName
from storage.names import CollectionName
from web.parsers import OneKind
from web.rest import Api, parse_query
from web.schema import operation
from web.streaming import iter_csv_lines, iter_json_lines

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

NAMES = list(ExportedFaceOutput().fields)
ANSWERS = {
    (200, CONTENT_TYPES["json"]): ExportedClustersOutput,
    (200, "text/csv"): {"type": "string", "description": "The same as CSV, one face per line."},
}


class ClustersExportApi(Api):
    """All faces of a run with their clusters."""

    content_negotiation_class = OneKind

    @operation(
        "Export the clusters of a run",
        answers=ANSWERS,
        example=lambda: ExportedClustersOutput.render(
            clustering_id=examples.RUN_ID, bucket_path=examples.PATH, faces=[examples.GROUPED]
        ),
        query=serializers.ExportQuery,
        refuses=(InvalidName, NoSuchRun, NoGroups),
        tag="export",
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream one row per face, sorted by cluster, as CSV or as one JSON object.

        Cells that a spreadsheet would interpret as a formula are prefixed with an apostrophe.
        """
        query = parse_query(request, serializers.ExportQuery).validated_data
        run, kind = _run(query), query["format"]
        found = iter_export_faces(run)
        first = list(islice(found, 1))  # raise before streaming if a store is unavailable
        rows = map(ExportedFaceOutput.render, chain(first, found))
        of = {"clustering_id": run.id, "bucket_path": run.collection}
        return StreamingHttpResponse(
            iter_csv_lines(NAMES, rows)
            if kind == "csv"
            else iter_json_lines(rows, within=of, name="faces"),
            content_type=CONTENT_TYPES[kind],
            headers={"Content-Disposition": f'attachment; filename="clusters-{run.id}.{kind}"'},
        )


def _run(query: Mapping[str, str]) -> Run:
    """Return the requested run, or the current one; raise NoGroups if it has no clusters."""
    if "run" in query:
        run = selectors.get_run(query["run"])
    else:
        run = selectors.current_run(CollectionName.parse(query["collection"]).path)
    ensure_projected(run.collection)
    if run.state != RunState.FINISHED or run.forgotten:
        raise NoGroups("The run has no clusters: it has not ended well, or newer ones replaced it.")
    return run
