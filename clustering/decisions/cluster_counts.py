"""How many faces and photos a cluster has after a decision, and which faces show it.

After a decision about a few faces only these are looked at, however large their clusters are. The
counts say which decision they hold, in the same write, so whoever repeats one counts it once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from clustering.decisions.snapshot import ABSENT, members_by_face
from clustering.documents import (
    END_OF_PLACES,
    NOISE,
    Cluster,
    Face,
    Member,
    Run,
    cluster_place,
    emptied_place,
)
from clustering.selectors import list_members
from storage.mongo import iter_fields

COVERS = 4
FEW = 20  # faces of a decision that are looked at one by one

Changes = Mapping[str, tuple[int, int]]
Moved = Iterable[tuple[Face, str, str]]


def count_changes(run: Run, moved: Moved) -> Changes:
    """Return by label how many faces and photos it gained, from each face with its two labels.

    The members are written already: what a photo had elsewhere is known from its other faces.
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
    """Add to a cluster's counts what a decision changed, unless they hold it already."""
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
    """Count a cluster anew from all its members."""
    cluster = read_cluster(run, label)
    first = f"{run.id}/{label}/"
    where = {"place": {"$gte": first, "$lt": first + END_OF_PLACES}}
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
    """Return a cluster; one that was never written has no faces and is nobody."""
    stored = Cluster.objects(id=Cluster.id_for(run.id, label)).first()
    return stored or create_cluster(run, label, person="")


def create_cluster(run: Run, label: str, *, person: str) -> Cluster:
    """Return a cluster without faces yet."""
    return Cluster(
        id=Cluster.id_for(run.id, label),
        run=run.id,
        label=label,
        person=person,
        person_place=Cluster.person_place_for(run.id, person),
        place=emptied_place(run.id, label),
        face_count=0,
        image_count=0,
    )


def _wished_cover(
    cluster: Cluster, covers: Mapping[str, str], typical: list[str], here: Iterable[str]
) -> list[str]:
    """Return the faces that show a cluster: the chosen one, those of before, then typical ones."""
    wished = [covers.get(cluster.person, ""), *cluster.covers, *typical]
    return [face for face in dict.fromkeys(wished) if face in here][:COVERS]


def _write(run: Run, cluster: Cluster, covers: list[str], *, changed_by: int | None) -> None:
    """Write a cluster with its place: an empty one leaves the lists.

    What needs vectors follows if a decision changed its members: ``refresh`` does that.
    """
    label = str(cluster.label)
    cluster.covers = covers
    if cluster.face_count or label == NOISE:
        rank = None if label == NOISE else int(label.removeprefix("cluster_"))
        cluster.place = cluster_place(run.id, rank)
    else:
        cluster.place = emptied_place(run.id, label)
    if changed_by is not None:
        cluster.stale, cluster.changed_by = cluster.id, changed_by
    cluster.save()


def _by_place(member: dict[str, str]) -> str:
    return member["place"]
