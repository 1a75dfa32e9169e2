"""REST resource of a cluster's faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.answers import clusters as answers
from clustering.errors import NoSuchCluster, NoSuchRun
from clustering.services import read_projected
from storage.errors import InvalidName
from storage.names import CollectionName
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_query
from web.schema import operation


class ClusterDetailsApi(Api):
    """The faces of a cluster, or of the noise."""

    @operation(
        "Read the faces of a cluster",
        answers={200: answers.ClusterFaces},
        example=examples.CLUSTER,
        query=serializers.DetailsQuery,
        refuses=(InvalidName, NoSuchRun, NoSuchCluster, BadCursor),
        tag="clusters",
    )
    def get(self, request: Request, bucket: str, sub: str, cluster_id: str) -> Response:
        """Return a page of at most 1,000 faces, the most typical first."""
        path = CollectionName.parse(f"{bucket}/{sub}").path
        query = parse_query(request, serializers.DetailsQuery).validated_data
        return Response(read_projected(path, lambda: _page(path, cluster_id, query)))


def _page(path: str, cluster_id: str, query: Mapping[str, Any]) -> answers.ClusterFaces:
    run = selectors.requested_run(path, query.get("clustering_id"), otherwise=selectors.current_run)
    cluster = selectors.get_cluster(run, cluster_id)
    after = decode_cursor(query.get("cursor"), within=f"{cluster.run}/{cluster.label}/")
    limit = query["limit"]
    members = selectors.list_members(run, cluster.label, after=after, limit=limit + 1)
    page, more = members[:limit], len(members) > limit
    return answers.cluster_details_json(
        run,
        cluster,
        page,
        selectors.get_faces_by_id([member.face for member in page]),
        next_cursor=encode_cursor(page[-1].sort_key) if more else None,
    )
