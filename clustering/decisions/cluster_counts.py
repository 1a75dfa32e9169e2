"""Incremental face and photo counts of clusters, and their cover faces.

A decision about a few faces reads only these faces, independent of the size of their clusters.
Each write of counts stores the sequence number of the decision that it includes, so repeating a
decision does not count it twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from clustering.decisions.snapshot import ABSENT, members_by_face
from clustering.documents import (
    NOISE,
    Cluster,
    Face,
    Member,
    Run,
    cluster_sort_key,
    emptied_sort_key,
)
from clustering.selectors import list_members
from storage.mongo import iter_fields, prefix_range

COVERS = 4
FEW = 20  # up to so many moved faces, counts are updated incrementally; above, recounted

Changes = Mapping[str, tuple[int, int]]
Moved = Iterable[tuple[Face, str, str]]


def count_changes(run: Run, moved: Moved) -> Changes:
    """Return the change of (face count, photo count) per label, from (face, old, new) labels.

    Call it after the members are written: the other faces of each photo tell which clusters the
    photo still counts for.
    """
    moved = [(face, was, became) for face, was, became in moved if was != became]
    faces, photos = Counter[str](), Counter[str]()
    for _, was, became in moved:
        faces[was] -= 1
        faces[became] += 1
    for image in {face.image for face, _, _ in moved}:
        beside = [one.id for one in Face.objects(image=image).only("id")]
        now = Counter(member.cluster for member in members_by_face(run.id, beside).values())
        before = Counter(now)
        for face, was, became in moved:
            if face.image == image:
                before[was] += 1
                before[became] -= 1
        for label in before.keys() | now.keys():
            photos[label] += (now[label] > 0) - (before[label] > 0)
    return {label: (faces[label], photos[label]) for label in faces.keys() - {"", *ABSENT}}


def apply_count_changes(
    run: Run, label: str, change: tuple[int, int], *, covers: Mapping[str, str], changed_by: int
) -> None:
    """Add a decision's change to a cluster's counts; idempotent by ``changed_by``."""
    cluster = read_cluster(run, label)
    if cluster.changed_by >= changed_by:
        return
    cluster.face_count += change[0]
    cluster.image_count += change[1]
    typical = [one.face for one in list_members(run, label, limit=COVERS)]
    shown = list(cluster.covers)
    places = members_by_face(run.id, [*shown, *filter(None, [covers.get(cluster.person, "")])])
    here = {face for face, member in places.items() if member.cluster == label} | {*typical}
    _write(run, cluster, _wished_cover(cluster, covers, typical, here), changed_by=changed_by)


def recount_cluster(
    run: Run, label: str, *, covers: Mapping[str, str], changed_by: int | None = None
) -> None:
    """Recompute a cluster's counts and covers from all its members."""
    cluster = read_cluster(run, label)
    first = f"{run.id}/{label}/"
    where = {"place": prefix_range(first)}
    members = sorted(iter_fields(Member, where, ["face", "key", "place"]), key=_by_place)
    faces = {member["face"]: None for member in members}
    cluster.face_count = len(faces)
    cluster.image_count = len({member["key"] for member in members})
    wished = _wished_cover(cluster, covers, list(islice(faces, COVERS)), faces.keys())
    _write(run, cluster, wished, changed_by=changed_by)


def update_cover_and_version(
    run: Run, label: str, *, covers: Mapping[str, str], version: int | None, former: str = ""
) -> None:
    """Write which decision was the last about a cluster, and the cover that was chosen.

    ``former`` is a cover whose choice may not count any more; the others then come before it.
    """
    cluster = read_cluster(run, label)
    chosen = covers.get(cluster.person, "")
    if former != chosen and former in cluster.covers:
        cluster.covers = [*(one for one in cluster.covers if one != former), former]
    if chosen and chosen not in cluster.covers[:1]:
        place = members_by_face(run.id, [chosen]).get(chosen)
        if place is not None and place.cluster == label:
            cluster.covers = list(dict.fromkeys([chosen, *cluster.covers]))[:COVERS]
    cluster.version = cluster.version if version is None else version
    cluster.save()


def read_cluster(run: Run, label: str) -> Cluster:
    """Return the stored cluster, or an unsaved empty one without a person."""
    stored = Cluster.objects(id=Cluster.id_for(run.id, label)).first()
    return stored or create_cluster(run, label, person="")


def create_cluster(run: Run, label: str, *, person: str) -> Cluster:
    """Return an unsaved cluster without faces."""
    return Cluster(
        id=Cluster.id_for(run.id, label),
        run=run.id,
        label=label,
        person=person,
        person_sort_key=Cluster.person_sort_key_for(run.id, person),
        sort_key=emptied_sort_key(run.id, label),
        face_count=0,
        image_count=0,
    )


def _wished_cover(
    cluster: Cluster, covers: Mapping[str, str], typical: list[str], here: Iterable[str]
) -> list[str]:
    """Return up to COVERS faces: the chosen cover, earlier covers, then the most typical."""
    wished = [covers.get(cluster.person, ""), *cluster.covers, *typical]
    return [face for face in dict.fromkeys(wished) if face in here][:COVERS]


def _write(run: Run, cluster: Cluster, covers: list[str], *, changed_by: int | None) -> None:
    """Save a cluster with its sort key; an empty cluster gets a key outside of the listings.

    With ``changed_by`` the cluster is marked stale: ``cluster_stats`` then recomputes what needs
    embeddings.
    """
    label = str(cluster.label)
    cluster.covers = covers
    if cluster.face_count or label == NOISE:
        rank = None if label == NOISE else int(label.removeprefix("cluster_"))
        cluster.sort_key = cluster_sort_key(run.id, rank)
    else:
        cluster.sort_key = emptied_sort_key(run.id, label)
    if changed_by is not None:
        cluster.needs_stats, cluster.changed_by = cluster.id, changed_by
    cluster.save()


def _by_place(member: dict[str, str]) -> str:
    return member["place"]
