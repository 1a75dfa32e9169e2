"""Group a run's faces, write its clusters, and make it the current run.

Everything is written under the run's own id first. Then one update of one document, the
collection, switches all readers atomically. Obsolete data is removed after the switch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from clustering.context import PipelineContext
from clustering.decisions.event_log import load_state
from clustering.decisions.projection import catch_up_projection
from clustering.decisions.state import DecisionState
from clustering.documents import (
    NOISE,
    Cluster,
    ClusterSizes,
    Collection,
    Member,
    Run,
    cluster_sort_key,
)
from clustering.grouping import Grouping, group_faces
from clustering.merge_suggestions import MergeSuggestions, make_merge_suggestions
from clustering.pipeline.cleanup import clean_up_collection, remove_groups, write_payloads
from clustering.pipeline.constraints import (
    RowConstraints,
    exclude_recognised_faces,
    rewrite_verdicts,
    rows_of_decided_faces,
    rows_of_shaped_persons,
)
from clustering.pipeline.face_table import FaceTable, check_readable, face_table
from clustering.pipeline.grouping_inputs import read_grouping_inputs
from clustering.pipeline.identity import (
    assign_identities,
    changes_of,
    decisions_broken_by,
    previous_identities,
)
from clustering.pipeline.neighbour_pairs import neighbour_pairs_of
from clustering.pipeline.statistics import run_statistics
from clustering.selectors import find_run
from clustering.signals import groups_switching
from storage.mongo import bulk_upsert

COVERS = 4
WRITE_SLICE = 2000


@dataclass(frozen=True)
class _NamedClusters:
    """A grouping with the person of each cluster."""

    table: FaceTable
    grouping: Grouping
    persons: dict[int, str]
    decided: RowConstraints

    @cached_property
    def put_by_person(self) -> set[int]:
        """Return the rows that a reviewer assigned."""
        rows, attached = self.decided.rows, self.decided.state.attached
        return {rows[face] for face in attached if face in rows}

    def cover(self, number: int, ranked: NDArray[np.int64]) -> int:
        """Return the row of a cluster's cover: a reviewer's choice if it is still a member."""
        chosen = self.decided.rows.get(self.decided.state.covers.get(self.persons[number], ""))
        return chosen if chosen is not None and chosen in ranked else self.grouping.covers[number]


def group_run(
    run: Run, *, context: PipelineContext, check: Callable[[], None], runs_kept: int
) -> None:
    """Group a run whose batches are done, switch to it and clean up; idempotent from any point.

    ``check`` is called between the steps and stops the work by raising. A preview ends before the
    switch, and continues from there when it is applied.
    """
    collection = Collection.objects(path=run.collection).first()
    if collection.current_run != run.id:
        check()
        if not run.grouped:
            check_readable(run)
            _write_grouping(run, context=context, check=check)
        if run.preview:
            return
        check()
        if not run.shares_groups_of:  # shared groups follow the decisions already
            catch_up_projection(run, vectors=context.vectors)
        before = find_run(collection.current_run)
        groups_switching.send(sender=Run, run=run, before=before)
        _switch_current_run(run)
    if not run.shares_groups_of:
        write_payloads(run, vectors=context.vectors, check=check)
    state = load_state(run.collection)
    clean_up_collection(run, context=context, runs_kept=runs_kept, state=state, check=check)


def _write_grouping(run: Run, *, context: PipelineContext, check: Callable[[], None]) -> None:
    """Write the run's groups and numbers; an unchanged collection shares its last ones."""
    inputs = read_grouping_inputs(run)
    run.inputs = inputs.digest
    same = None if inputs.has_stale_verdicts else _find_equal_run(run)
    run.shares_groups_of = same.clusters_run if same is not None else ""
    if same is not None:
        run.stats, run.skipped = same.stats, same.skipped
    else:
        remove_groups(run.id)
        state = load_state(run.collection)
        rewrite_verdicts(state, vectors=context.vectors)
        table = face_table(run, context=context, wanted=state.attached)
        check()
        seen = find_run(Collection.objects(path=run.collection).first().current_run)
        before = previous_identities(seen)
        table, decided = _row_constraints(run, state, table, before, context=context)
        check()
        grouping = group_faces(
            table.vectors,
            eps=run.eps,
            min_samples=run.min_samples,
            algorithm=run.algorithm,
            quality=table.quality,
            refine=run.refine,
            constraints=decided.constraints(table.keys),
            candidates=neighbour_pairs_of(run, table, context),
        )
        check()
        persons = assign_identities(
            grouping.labels,
            ids=table.ids,
            run=run,
            before=before,
            anchored=decided.row_persons(),
            state=state,
        )
        run.previewed_from = seen.id if seen is not None else ""
        run.changes = changes_of(grouping.labels, ids=table.ids, before=before, persons=persons)
        run.changes |= {"broken_decisions": decisions_broken_by(grouping.labels, persons, decided)}
        sizes = _write_clusters(run, _NamedClusters(table, grouping, persons, decided), check=check)
        run.stats, run.skipped = run_statistics(run, table=table, sizes=sizes)
        run.projected_seq = run.grouped_at = state.seq
        run.label_count = len(persons)
    run.modify(
        set__inputs=run.inputs,
        set__shares_groups_of=run.shares_groups_of,
        set__stats=run.stats,
        set__skipped=run.skipped,
        set__projected_seq=run.projected_seq,
        set__label_count=run.label_count,
        set__grouped_at=run.grouped_at,
        set__previewed_from=run.previewed_from,
        set__changes=run.changes,
        set__grouped=True,
    )


def _row_constraints(
    run: Run,
    state: DecisionState,
    table: FaceTable,
    before: Mapping[str, str],
    *,
    context: PipelineContext,
) -> tuple[FaceTable, RowConstraints]:
    """Return the faces that take part, and their constraints."""
    found = RowConstraints(state, rows_of_decided_faces(run, state, table, vectors=context.vectors))
    left = exclude_recognised_faces(found, table, vectors=context.vectors)
    rows = {face: row for row, face in enumerate(left.ids)}
    moved = {
        face: rows[table.ids[row]] for face, row in found.rows.items() if table.ids[row] in rows
    }
    return left, RowConstraints(state, moved, rows_of_shaped_persons(state, left.ids, before))


def _find_equal_run(run: Run) -> Run | None:
    """Return the collection's current run if this one cannot differ from it."""
    if run.full or run.preview:
        return None
    collection = Collection.objects(path=run.collection).first()
    current = Run.objects(id=collection.current_run).first() if collection.current_run else None
    if current is None or collection.regroup or current.stats.get("faces_without_vectors"):
        return None  # their vectors may be there by now
    fields = (
        "inputs",
        "last_key",
        "eps",
        "min_samples",
        "algorithm",
        "refine",
        "skip_quality_filter",
        "model",
        "thresholds",
    )
    same = all(getattr(run, field) == getattr(current, field) for field in fields)
    return current if same else None


def _write_clusters(
    run: Run, named: _NamedClusters, *, check: Callable[[], None]
) -> dict[str, int]:
    """Write clusters and members; return the size of each label, including noise."""
    grouping, sizes = named.grouping, dict[str, int]()
    members: list[Member] = []
    clusters: list[Cluster] = []
    for number, rows in _rows_by_label(grouping.labels):
        label = NOISE if number < 0 else f"cluster_{number}"
        ranked = rows[np.lexsort((rows, -grouping.similarity[rows]))]
        sizes[label] = len(ranked)
        members.extend(_members(run, label, ranked, named=named))
        clusters.append(_cluster(run, number, label, ranked, named=named))
        if len(members) >= WRITE_SLICE:
            check()
            bulk_upsert(Member, members)
            members.clear()
    bulk_upsert(Member, members)
    bulk_upsert(Cluster, clusters)
    bulk_upsert(ClusterSizes, [_sizes(run, clusters)])
    bulk_upsert(MergeSuggestions, [make_merge_suggestions(run.id, grouping.centroids, eps=run.eps)])
    return sizes


def _rows_by_label(labels: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each label with its rows, noise first; one sort instead of a pass per label."""
    if not len(labels):
        return
    order = np.argsort(labels, kind="stable")
    values, starts = np.unique(labels[order], return_index=True)
    for value, rows in zip(values, np.split(order, starts[1:]), strict=True):
        yield int(value), rows


def _members(
    run: Run, label: str, ranked: NDArray[np.int64], *, named: _NamedClusters
) -> Iterator[Member]:
    """Yield the members of one cluster, the most typical first."""
    table = named.table
    for rank, row in enumerate(ranked):
        yield Member(
            id=Member.id_for(run.id, table.ids[row]),
            run=run.id,
            face=table.ids[row],
            key=table.keys[row],
            taken=table.taken[row],
            cluster=label,
            base=label,
            sort_key=Member.sort_key_for(run.id, label, rank),
            similarity=round(float(named.grouping.similarity[row]), 6),
            put_by="person" if row in named.put_by_person else "machine",
        )


def _cluster(
    run: Run, number: int, label: str, ranked: NDArray[np.int64], *, named: _NamedClusters
) -> Cluster:
    table, person = named.table, named.persons.get(number, "")
    covers = list(ranked[:COVERS])
    if number >= 0:
        cover = named.cover(number, ranked)
        covers = [cover, *(row for row in covers if row != cover)][:COVERS]
    return Cluster(
        id=Cluster.id_for(run.id, label),
        run=run.id,
        label=label,
        person=person,
        person_sort_key=Cluster.person_sort_key_for(run.id, person),
        sort_key=cluster_sort_key(run.id, None if number < 0 else number),
        face_count=len(ranked),
        image_count=len({table.keys[row] for row in ranked}),
        covers=[table.ids[row] for row in covers],
        cohesion=0.0 if number < 0 else round(float(named.grouping.cohesion[number]), 6),
        newest=max(table.taken[row] for row in ranked),
        version=named.decided.state.version(person),
    )


def _sizes(run: Run, clusters: list[Cluster]) -> ClusterSizes:
    """Return the sizes of all clusters in one document."""
    people = (one for one in clusters if not one.is_noise)
    sizes = ((one.label, one.image_count, one.face_count) for one in people)
    return ClusterSizes(run=run.id, rows=ClusterSizes.rows_of(sizes))


def _switch_current_run(run: Run) -> None:
    """Make the run the current one of its collection, atomically: one update of one document."""
    Collection.objects(path=run.collection, active_run=run.id).modify(
        set__current_run=run.id, set__regroup=False, set__updated_at=timezone.now()
    )
