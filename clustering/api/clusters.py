"""REST resource of a cluster's faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.documents import Cluster, Run
from clustering.errors import NoSuchCluster, NoSuchRun
from clustering.outputs.faces import ClusterFacesOutput, GroupedFace
from clustering.services import read_projected
from storage.errors import InvalidName
from storage.names import CollectionName
from web.output import Answer
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_query
from web.schema import operation


class ClusterDetailsApi(Api):
    """The faces of a cluster, or of the noise."""

    @operation(
        "Read the faces of a cluster",
        answers={200: ClusterFacesOutput},
        example=lambda: _answer(examples.CLUSTER, examples.RUN, [examples.GROUPED], None),
        query=serializers.DetailsQuery,
        refuses=(InvalidName, NoSuchRun, NoSuchCluster, BadCursor),
        tag="clusters",
    )
    def get(self, request: Request, bucket: str, sub: str, cluster_id: str) -> Response:
        """Return a page of at most 1,000 faces, the most typical first."""
        path = CollectionName.parse(f"{bucket}/{sub}").path
        query = parse_query(request, serializers.DetailsQuery).validated_data
        return Response(read_projected(path, lambda: _page(path, cluster_id, query)))


def _page(path: str, cluster_id: str, query: Mapping[str, Any]) -> Answer:
    run = selectors.requested_run(path, query.get("clustering_id"), otherwise=selectors.current_run)
    cluster = selectors.get_cluster(run, cluster_id)
    after = decode_cursor(query.get("cursor"), within=f"{cluster.run}/{cluster.label}/")
    limit = query["limit"]
    members = selectors.list_members(run, cluster.label, after=after, limit=limit + 1)
    page, more = members[:limit], len(members) > limit
    faces = selectors.get_faces_by_id([member.face for member in page])
    shown = [GroupedFace(run, one, faces[one.face]) for one in page if one.face in faces]
    return _answer(cluster, run, shown, encode_cursor(page[-1].sort_key) if more else None)


def _answer(
    cluster: Cluster, run: Run, shown: list[GroupedFace], next_cursor: str | None
) -> Answer:
    return ClusterFacesOutput.render(
        cluster,
        clustering_id=run.id,
        bucket_path=run.collection,
        faces=shown,
        image_paths=list(dict.fromkeys(one.face.key for one in shown)),
        face_ids=[one.face.id for one in shown],
        embeddings_in_qdrant=len(shown),
        next=next_cursor,
    )
