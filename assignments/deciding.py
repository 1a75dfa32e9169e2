"""Decisions that speak of profiles too: the log first, then whose the clusters are follows it."""

from __future__ import annotations

from django.utils import timezone

from assignments.documents import MACHINE, Assignment, AssignmentState, Strategy
from assignments.selectors import assignment_of, assignments_of_run
from clustering.decisions.deciding import Asked
from clustering.decisions.documents import Decision
from clustering.decisions.ground import cluster_of, current_run
from clustering.decisions.kinds import NAMING, Kind, user_node
from clustering.decisions.law import Law
from clustering.decisions.log import law_of
from clustering.documents import Cluster, Run
from clustering.edge import request_decision
from clustering.selectors import clusters_all
from profiles.selectors import profile_get
from storage.mongo import bulk_upsert


def request_decided(path: str, asked: Asked, *, by: str, dry_run: bool = False) -> Decision:
    """Decide about a collection; a profile that is named has to be there."""
    if asked.kind in (*NAMING, Kind.REJECT_PROFILE) and asked.user_id:
        profile_get(asked.user_id)
    decision = request_decision(path, asked, by=by, dry_run=dry_run)
    if not dry_run:
        assignments_follow(path, decision)
    return decision


def assignments_follow(path: str, decision: Decision) -> None:
    """Write whose clusters are that a decision named, refused, or that an undo opens again."""
    run = current_run(path)
    with law_of(path) as law:
        kind = law.subject(decision.id).kind
        if kind not in (*NAMING, Kind.REJECT_PROFILE):
            return
        for person in law.persons_of(decision.id) - {""}:
            cluster = cluster_of(run.id, law.root(person))
            if cluster is not None:
                _follow(run, cluster, person, law=law, by=decision.by)


def assignments_carry(run: Run, before: Run | None) -> None:
    """Give the clusters of a run what the clusters they continue had; safe to repeat."""
    if before is None or before.clusters_run == run.clusters_run:
        return
    had = {one.cluster: one for one in assignments_of_run(before.clusters_run)}
    persons = {one.person: one.label for one in clusters_all(before) if one.person}
    carried = []
    for cluster in clusters_all(run):
        one = had.get(persons.get(cluster.person, ""))
        if one is not None and not cluster.is_noise:
            carried.append(_carried(one, run, cluster))
    bulk_upsert(Assignment, carried)


def _follow(run: Run, cluster: Cluster, person: str, *, law: Law, by: str) -> None:
    """Write what the law says of one person."""
    held = assignment_of(run.id, cluster.label)
    name = law.names.get(person, ("", ""))[0]
    rejected = [user for user in _users(law, person) if user != name]
    if held is None and not (name or rejected):
        return
    if held is None:
        held = _empty(run, cluster)
    is_undone = held.is_by_person and not name and held.state == AssignmentState.CONFIRMED
    refused = held.user_id in rejected
    if is_undone and not rejected:
        held.delete()
        return
    held.user_id = name or held.user_id or rejected[0]
    held.user_place = Assignment.user_place_for(held.user_id, timezone.now(), held.id)
    held.rejected = rejected
    if name:
        held.state, held.decided_by = AssignmentState.CONFIRMED, by
        held.strategy = Strategy.MANUAL if held.similarity == 0 else held.strategy
    elif refused or is_undone or held.state == AssignmentState.REJECTED:
        held.state = AssignmentState.REJECTED if rejected else AssignmentState.ASSIGNED
        held.decided_by = by if rejected else MACHINE
    held.updated_at, held.version = timezone.now(), held.version + 1
    held.save()


def _users(law: Law, person: str) -> list[str]:
    """Return the profiles that people said a person is not."""
    node = user_node("")
    return sorted(
        other.removeprefix(node)
        for pair in law.apart
        if person in pair
        for other in pair
        if other.startswith(node)
    )


def _empty(run: Run, cluster: Cluster) -> Assignment:
    """Return an assignment that says nothing yet."""
    assignment_id, now = Assignment.id_for(run.id, cluster.label), timezone.now()
    return Assignment(
        id=assignment_id,
        run=run.id,
        collection=run.collection,
        cluster=cluster.label,
        place=Assignment.place_for(run.id, cluster.label),
        strategy=Strategy.MANUAL,
        face_count=cluster.face_count,
        version=0,
        created_at=now,
        updated_at=now,
    )


def _carried(one: Assignment, run: Run, cluster: Cluster) -> Assignment:
    """Return an assignment as that of the cluster which continues its own."""
    one.id = Assignment.id_for(run.clusters_run, cluster.label)
    one.run, one.cluster = run.clusters_run, cluster.label
    one.place = Assignment.place_for(run.clusters_run, cluster.label)
    one.user_place = Assignment.user_place_for(one.user_id, one.updated_at, one.id)
    one.face_count = cluster.face_count
    return one
