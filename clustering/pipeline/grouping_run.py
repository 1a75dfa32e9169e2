"""Group a run's faces, write its clusters, and make it the one that readers see.

Everything is written under the run's own id first. Then one update of one document, the
collection, switches all readers at once. What the switch made superfluous is removed after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from clustering.documents import (
    NOISE,
    Cluster,
    ClusterSizes,
    Collection,
    Member,
    Run,
    cluster_place,
)
from clustering.grouping import Grouping, group_faces
from clustering.pipeline.face_table import FaceTable, face_table
from clustering.pipeline.statistics import run_statistics
from clustering.pipeline.tidy import collection_tidy, groups_remove, payloads_write
from clustering.pipeline.tools import Tools
from storage.mongo import bulk_upsert

COVERS = 4
WRITE_SLICE = 2000


def run_group(run: Run, *, tools: Tools, check: Callable[[], None], runs_kept: int) -> None:
    """Take a run whose batches are all done to its end; safe to repeat from any point.

    ``check`` is called between the steps and stops the work by raising.
    """
    collection = Collection.objects(path=run.collection).first()
    if collection.current_run != run.id:
        check()
        _run_write_groups(run, tools=tools, check=check)
        check()
        _switch(run)
    if not run.groups_of:
        payloads_write(run, vectors=tools.vectors, check=check)
    collection_tidy(run, tools=tools, runs_kept=runs_kept, check=check)


def _run_write_groups(run: Run, *, tools: Tools, check: Callable[[], None]) -> None:
    """Write the run's groups and numbers; an unchanged collection shares its last ones."""
    same = _run_it_equals(run)
    if same is not None:
        run.groups_of = same.clusters_run
        run.stats, run.skipped = same.stats, same.skipped
    else:
        groups_remove(run.id)
        table = face_table(run, tools=tools)
        check()
        grouping = group_faces(
            table.vectors,
            eps=run.eps,
            min_samples=run.min_samples,
            algorithm=run.algorithm,
            quality=table.quality,
            refine=run.refine,
        )
        check()
        sizes = _groups_write(run, table, grouping, check=check)
        run.stats, run.skipped = run_statistics(run, table=table, sizes=sizes)
    run.modify(set__groups_of=run.groups_of, set__stats=run.stats, set__skipped=run.skipped)


def _run_it_equals(run: Run) -> Run | None:
    """Return the collection's current run if this one cannot differ from it."""
    if run.full or run.todo or run.gone:
        return None
    collection = Collection.objects(path=run.collection).first()
    current = Run.objects(id=collection.current_run).first() if collection.current_run else None
    if current is None:
        return None
    fields = (
        "eps",
        "min_samples",
        "algorithm",
        "refine",
        "skip_quality_filter",
        "model",
        "thresholds",
    )
    same = all(getattr(run, field) == getattr(current, field) for field in fields)
    return current if same and run.last_key == current.last_key else None


def _groups_write(
    run: Run, table: FaceTable, grouping: Grouping, *, check: Callable[[], None]
) -> dict[str, int]:
    """Write clusters and members; return the size of each label, noise included."""
    sizes: dict[str, int] = {}
    members: list[Member] = []
    clusters: list[Cluster] = []
    for number, rows in _rows_by_label(grouping.labels):
        label = NOISE if number < 0 else f"cluster_{number}"
        ranked = rows[np.lexsort((rows, -grouping.similarity[rows]))]
        sizes[label] = len(ranked)
        members.extend(_members(run, label, ranked, table=table, grouping=grouping))
        clusters.append(_cluster(run, number, label, ranked, table=table, grouping=grouping))
        if len(members) >= WRITE_SLICE:
            check()
            bulk_upsert(Member, members)
            members.clear()
    bulk_upsert(Member, members)
    bulk_upsert(Cluster, clusters)
    bulk_upsert(ClusterSizes, [_sizes(run, clusters)])
    return sizes


def _rows_by_label(labels: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each label with its rows, noise first, without a pass per label."""
    if not len(labels):
        return
    order = np.argsort(labels, kind="stable")
    values, starts = np.unique(labels[order], return_index=True)
    for value, rows in zip(values, np.split(order, starts[1:]), strict=True):
        yield int(value), rows


def _members(
    run: Run, label: str, ranked: NDArray[np.int64], *, table: FaceTable, grouping: Grouping
) -> Iterator[Member]:
    """Yield the members of one cluster, the most typical first."""
    for rank, row in enumerate(ranked):
        yield Member(
            id=Member.id_for(run.id, table.ids[row]),
            run=run.id,
            face=table.ids[row],
            key=table.keys[row],
            cluster=label,
            place=Member.place_for(run.id, label, rank),
            similarity=round(float(grouping.similarity[row]), 6),
        )


def _cluster(
    run: Run,
    number: int,
    label: str,
    ranked: NDArray[np.int64],
    *,
    table: FaceTable,
    grouping: Grouping,
) -> Cluster:
    """Return the document of one cluster; its first cover is the grouping's."""
    cover_rows = list(ranked[:COVERS])
    if number >= 0:
        cover = grouping.covers[number]
        cover_rows = [cover, *(row for row in cover_rows if row != cover)][:COVERS]
    return Cluster(
        id=Cluster.id_for(run.id, label),
        run=run.id,
        label=label,
        place=cluster_place(run.id, None if number < 0 else number),
        face_count=len(ranked),
        image_count=len({table.keys[row] for row in ranked}),
        covers=[table.ids[row] for row in cover_rows],
        cohesion=0.0 if number < 0 else round(float(grouping.cohesion[number]), 6),
    )


def _sizes(run: Run, clusters: list[Cluster]) -> ClusterSizes:
    """Return the sizes of all clusters in one document."""
    people = (one for one in clusters if not one.is_noise)
    sizes = ((one.label, one.image_count, one.face_count) for one in people)
    return ClusterSizes(run=run.id, rows=ClusterSizes.rows_of(sizes))


def _switch(run: Run) -> None:
    """Make the run the one that readers of the collection see: one update of one document."""
    Collection.objects(path=run.collection, active_run=run.id).modify(
        set__current_run=run.id, set__updated_at=timezone.now()
    )
