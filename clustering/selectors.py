"""Queries on the documents of clustering. Read-only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any

from django.core.cache import caches

from clustering.documents import (
    NOISE,
    Cluster,
    ClusterSizes,
    Collection,
    Face,
    Image,
    Member,
    Run,
    cluster_sort_key,
    collection_sort_key,
)
from clustering.errors import NoSuchCluster, NoSuchFace, NoSuchRun
from storage.mongo import PREFIX_END, iter_fields, prefix_range

STREAM = 1000
IDS_PER_QUERY = 100
KEPT_S = 600

LABEL = re.compile(r"cluster_(0|[1-9][0-9]{0,8})|noise", re.ASCII)


def iter_collection_images(collection: str) -> Iterator[Image]:
    """Iterate a collection's images in the order of their keys, with bounded memory."""
    return _stream(Image, collection_sort_key(collection, ""))


def iter_collection_faces(collection: str) -> Iterator[Face]:
    """Iterate a collection's faces in the order of their ids, with bounded memory."""
    return _stream(Face, collection_sort_key(collection, ""))


def list_collections() -> list[Collection]:
    """Return all collections, sorted by path; there are few."""
    return sorted(Collection.objects(), key=lambda collection: collection.path)


def list_collections_page(*, after: str = "", limit: int) -> list[Collection]:
    """Return up to ``limit`` collections, sorted by path, after the path ``after``."""
    # The embedded store reads the whole range of ids: 5 ms at 300 collections.
    return list(Collection.objects(path__gt=after).order_by("path").limit(limit))


def get_collection(path: str) -> Collection:
    """Return a collection; raise NoSuchRun if it has never been clustered."""
    collection = Collection.objects(path=path).first()
    if collection is None:
        raise NoSuchRun(f"{path} has not been clustered yet.")
    return collection


def get_run(run_id: str, *, collection: str | None = None) -> Run:
    """Return a run; raise NoSuchRun without one, or if it is not of the given collection."""
    run = Run.objects(id=run_id).first()
    if run is None or (collection is not None and run.collection != collection):
        raise NoSuchRun(f"There is no run {run_id}" + (f" of {collection}." if collection else "."))
    return run


def find_run(run_id: str) -> Run | None:
    """Return a run, None if the id is empty or unknown."""
    return Run.objects(id=run_id).first() if run_id else None


def get_runs_by_id(ids: Iterable[str]) -> dict[str, Run]:
    """Return runs by id; unknown ids are left out."""
    wanted = sorted({run_id for run_id in ids if run_id})
    found: dict[str, Run] = {}
    for first in range(0, len(wanted), IDS_PER_QUERY):
        for run in Run.objects(id__in=wanted[first : first + IDS_PER_QUERY]):
            found[run.id] = run
    return found


def newest_run(collection: str) -> Run:
    """Return the run of a collection that was started last; raise NoSuchRun without one."""
    return _run_of(collection, "newest_run")


def current_run(collection: str) -> Run:
    """Return the current run of a collection; raise NoSuchRun without one."""
    return _run_of(collection, "current_run")


def requested_run(collection: str, run_id: str | None, *, otherwise: Callable[[str], Run]) -> Run:
    """Return the run with this id in a collection; without an id, ``otherwise(collection)``."""
    return get_run(run_id, collection=collection) if run_id else otherwise(collection)


def iter_runs(collection: str) -> Iterator[Run]:
    """Iterate all runs of a collection, newest first."""
    before = ""
    while page := list_runs(collection, before=before, limit=STREAM):
        yield from page
        before = page[-1].sort_key
        if len(page) < STREAM:
            return


def list_runs(collection: str, *, before: str = "", limit: int) -> list[Run]:
    """Return up to ``limit`` runs of a collection, newest first, before a sort key."""
    first = collection_sort_key(collection, "")
    runs = Run.objects(sort_key__gte=first, sort_key__lt=before or first + PREFIX_END)
    return list(runs.order_by("-sort_key").limit(limit))


def list_clusters(run: Run, *, after: str = "", limit: int) -> list[Cluster]:
    """Return up to ``limit`` clusters of a run by size, noise last, after a sort key."""
    first = f"{run.clusters_run}/"
    return _page(Cluster, after or first, end=first + PREFIX_END, limit=limit)


def iter_clusters(run: Run) -> Iterator[Cluster]:
    """Iterate all clusters of a run by size, noise last."""
    return _stream(Cluster, f"{run.clusters_run}/")


def cluster_labels(run: Run) -> list[str]:
    """Return the labels of a run's clusters by size, without noise."""
    first, noise = f"{run.clusters_run}/", cluster_sort_key(run.clusters_run, None)
    where = {"place": {"$gte": first, "$lt": noise}}
    found = iter_fields(Cluster, where, ["label", "place"])
    return [one["label"] for one in sorted(found, key=itemgetter("place"))]


def list_clusters_brief(run: Run) -> list[dict[str, Any]]:
    """Return label, person, size, cohesion and newest photo of a run's clusters, without noise."""
    first, noise = f"{run.clusters_run}/", cluster_sort_key(run.clusters_run, None)
    where = {"place": {"$gte": first, "$lt": noise}}
    fields = ["label", "person", "place", "face_count", "cohesion", "newest"]
    found = iter_fields(Cluster, where, fields)
    return sorted(found, key=itemgetter("place"))


def cluster_rows(run: Run) -> str:
    """Return the sizes of a run's largest clusters as a JSON list; see ClusterSizes."""
    kept = ClusterSizes.objects(run=run.clusters_run).first()
    if kept is not None:
        return str(kept.rows)
    first, noise = f"{run.clusters_run}/", cluster_sort_key(run.clusters_run, None)
    where = {"place": {"$gte": first, "$lt": noise}}
    found = iter_fields(Cluster, where, ["place", "label", "image_count", "face_count"])
    return ClusterSizes.rows_of(
        (one["label"], one["image_count"], one["face_count"])
        for one in sorted(found, key=itemgetter("place"))
    )


def get_cluster(run: Run, label: str) -> Cluster:
    """Return one cluster of a run by label; raise NoSuchCluster without one.

    Every finished run has a noise cluster; an empty one is not stored, but returned.
    """
    if not LABEL.fullmatch(label):
        raise NoSuchCluster("A cluster id is cluster_<n> or noise.")
    cluster = Cluster.objects(id=Cluster.id_for(run.clusters_run, label)).first()
    if cluster is not None:
        return cluster
    if label == NOISE and run.stats:
        place = cluster_sort_key(run.clusters_run, None)
        return Cluster(
            id=Cluster.id_for(run.clusters_run, NOISE),
            run=run.clusters_run,
            label=NOISE,
            sort_key=place,
            face_count=0,
            image_count=0,
        )
    raise NoSuchCluster(f"The run {run.id} has no cluster {label}.")


def get_clusters_by_label(run: Run, labels: list[str]) -> dict[str, Cluster]:
    """Return clusters of a run by label; unknown labels are left out."""
    ids = [Cluster.id_for(run.clusters_run, label) for label in labels]
    slices = (ids[first : first + IDS_PER_QUERY] for first in range(0, len(ids), IDS_PER_QUERY))
    return {one.label: one for some in slices for one in Cluster.objects(id__in=some)}


def labels_by_person(run: Run, persons: Iterable[str]) -> dict[str, str]:
    """Return the labels of persons' clusters in a run, by person, including empty clusters."""
    places = [Cluster.person_sort_key_for(run.clusters_run, one) for one in sorted(set(persons))]
    slices = (
        places[first : first + IDS_PER_QUERY] for first in range(0, len(places), IDS_PER_QUERY)
    )
    return {
        one["person"]: one["label"]
        for some in slices
        for one in iter_fields(Cluster, {"person_place": {"$in": some}}, ["person", "label"])
    }


def list_members(run: Run, label: str, *, after: str = "", limit: int) -> list[Member]:
    """Return up to ``limit`` members of a cluster after a sort key, the most typical first."""
    first = f"{run.clusters_run}/{label}/"
    return _page(Member, after or first, end=first + PREFIX_END, limit=limit)


def list_last_members(run: Run, label: str, *, after: str = "", limit: int) -> list[Member]:
    """Return up to ``limit`` members of a cluster, the least typical first.

    ``after`` is the sort key of the last member of the previous page; in this reversed order the
    page has smaller keys.
    """
    first = f"{run.clusters_run}/{label}/"
    found = Member.objects(sort_key__gt=first, sort_key__lt=after or first + PREFIX_END)
    return list(found.order_by("-sort_key").limit(limit))


def list_newest_members(run: Run, label: str, *, after: str = "", limit: int) -> list[Member]:
    """Return up to ``limit`` members of a cluster, the newest photo first, undated ones last.

    ``after`` is the dated sort key of the last member of the previous page. Members written before
    dates were stored have none. The order is cached until the next decision, up to KEPT_S.
    """
    key = f"dated:{run.clusters_run}:{label}:{run.projected_seq}"
    dated: list[tuple[str, str]] = caches["memory"].get_or_set(
        key, lambda: _members_dated(run, label), KEPT_S
    )
    page = [face for place, face in dated if not after or place < after][:limit]
    known = members_by_face(run, page)
    return [known[one] for one in page if one in known and known[one].cluster == label]


def _members_dated(run: Run, label: str) -> list[tuple[str, str]]:
    """Return (dated sort key, face id) of a cluster's faces, the newest photo first."""
    rows = _members_of(run, label, ["taken", "key", "face"])
    dated = [(_dated_sort_key(run, label, row), row["face"]) for row in rows]
    return sorted(dated, reverse=True)


def _dated_sort_key(run: Run, label: str, row: dict[str, Any]) -> str:
    taken = row.get("taken", "")
    return Member.dated_sort_key_for(
        run.clusters_run, label, taken=taken, key=row["key"], face=row["face"]
    )


def iter_member_slices(run: Run, *, size: int) -> Iterator[list[Member]]:
    """Iterate all members of a run in slices, cluster by cluster."""
    first = f"{run.clusters_run}/"
    after = first
    while page := _page(Member, after, end=first + PREFIX_END, limit=size):
        yield page
        after = page[-1].sort_key
        if len(page) < size:
            return


def iter_members_from(run: Run, after: str) -> Iterator[Member]:
    """Iterate the members of a run, cluster by cluster, after a sort key."""
    first = f"{run.clusters_run}/"
    after = after or first
    while page := _page(Member, after, end=first + PREFIX_END, limit=STREAM):
        yield from page
        after = page[-1].sort_key
        if len(page) < STREAM:
            return


def iter_members(run: Run) -> Iterator[Member]:
    """Iterate all members of a run, cluster by cluster."""
    return _stream(Member, f"{run.clusters_run}/")


def list_member_faces(run: Run, label: str) -> list[str]:
    """Return the face ids of a cluster, unordered."""
    return [row["face"] for row in _members_of(run, label, ["face"])]


def find_current_run(collection: str) -> Run | None:
    """Return the current run of a collection, None without one."""
    known = Collection.objects(path=collection).first()
    return find_run(known.current_run) if known is not None else None


def current_members(collection: str, faces: list[str]) -> dict[str, Member]:
    """Return the members of faces in the current run, by face."""
    current = find_current_run(collection)
    if current is None:
        return {}
    return members_by_face(current, faces)


def members_by_face(run: Run, faces: list[str]) -> dict[str, Member]:
    """Return the members of faces in a run, by face; faces without one are left out."""
    ids = [Member.id_for(run.clusters_run, face) for face in faces]
    slices = (ids[first : first + IDS_PER_QUERY] for first in range(0, len(ids), IDS_PER_QUERY))
    return {one.face: one for some in slices for one in Member.objects(id__in=some)}


def find_member(run: Run, face_id: str) -> Member | None:
    """Return a face's member document in a run, None if it takes no part."""
    return Member.objects(id=Member.id_for(run.clusters_run, face_id)).first()


def get_faces_by_id(ids: list[str]) -> dict[str, Face]:
    """Return faces by id; unknown ids are left out."""
    found: dict[str, Face] = {}
    for first in range(0, len(ids), IDS_PER_QUERY):
        for face in Face.objects(id__in=ids[first : first + IDS_PER_QUERY]):
            found[face.id] = face
    return found


def get_face(face_id: str) -> Face:
    """Return one face; raise NoSuchFace without one."""
    face = Face.objects(id=face_id).first()
    if face is None:
        raise NoSuchFace("There is no face with this id.")
    return face


def list_faces_in_same_image(face: Face) -> list[Face]:
    """Return all faces in the photo of a face, including itself, from left to right."""
    return sorted(Face.objects(image=face.image), key=lambda one: (one.bbox[0], one.id))


def get_image_of_face(face: Face) -> Image:
    """Return the image of a face; raise NoSuchFace if it was removed from the collection."""
    image = find_image(face)
    if image is None:
        raise NoSuchFace("The photo of this face is no longer in the collection.")
    return image


def find_image(face: Face) -> Image | None:
    """Return the image of a face, None if it was removed from the collection."""
    return Image.objects(id=face.image).first()


def list_skipped_images(
    collection: str, *, after: str = "", last_key: str = "", limit: int
) -> list[Image]:
    """Return up to ``limit`` skipped images, sorted by key, after a sort key, up to a key."""
    first = collection_sort_key(collection, "")
    end = first + last_key + "\x00" if last_key else first + PREFIX_END
    query = Image.objects(skip_sort_key__gt=after or first, skip_sort_key__lt=end)
    return list(query.order_by("skip_sort_key").limit(limit))


def iter_pages(kind: Any, first: str) -> Iterator[Any]:
    """Iterate documents of a class whose sort key starts with ``first``, in order."""
    return _stream(kind, first)


def _members_of(run: Run, label: str, fields: list[str]) -> Iterator[dict[str, Any]]:
    """Yield some fields of a cluster's members, unordered."""
    first = f"{run.clusters_run}/{label}/"
    return iter_fields(Member, {"place": prefix_range(first)}, fields)


def _run_of(collection: str, field: str) -> Run:
    run_id = getattr(get_collection(collection), field)
    if not run_id:
        raise NoSuchRun(f"{collection} has not been clustered yet.")
    return get_run(run_id)


def _page(kind: Any, after: str, *, end: str, limit: int) -> list[Any]:
    """Return documents with sort keys between ``after`` and ``end``, both exclusive, in order."""
    return list(
        kind.objects(sort_key__gt=after, sort_key__lt=end).order_by("sort_key").limit(limit)
    )


def _stream(kind: Any, first: str) -> Iterator[Any]:
    """Iterate documents whose sort key starts with ``first``, in order, by keyset pagination."""
    after, end = first, first + PREFIX_END
    while page := _page(kind, after, end=end, limit=STREAM):
        yield from page
        after = page[-1].sort_key
        if len(page) < STREAM:
            return
