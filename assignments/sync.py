"""Project decisions to assignments. Idempotent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils import timezone

from assignments.documents import MACHINE, Assignment, AssignmentState, Strategy
from assignments.selectors import find_assignment, list_erased_people, list_run_assignments
from assignments.services import forget_erased_people
from clustering.decisions.documents import Decision
from clustering.decisions.event_log import decision_state, get_decision
from clustering.decisions.snapshot import cluster_of
from clustering.decisions.state import DecisionState, ProfileLink
from clustering.documents import Cluster, Run
from clustering.selectors import get_clusters_by_label, iter_clusters
from profiles.selectors import profile_exists
from storage.mongo import bulk_upsert

MEASURED = ("similarity", "threshold", "margin")
SAID = ("user_id", "state", "rejected", "decided_by")


def sync_with_decisions(run: Run, decision: Decision, labels: Iterable[str]) -> None:
    """Update the assignments of the clusters that a decision changed, and their face counts."""
    with decision_state(run.collection) as state:
        persons = {state.root(person) for person in state.persons_of(decision.id) - {""}}
        said = state.profiles()
    about = {one.label: one for person in persons if (one := cluster_of(run.id, person))}
    about |= get_clusters_by_label(run, [label for label in labels if label not in about])
    for cluster in about.values():
        _sync_cluster(run, cluster, said)


def carry_over(run: Run, before: Run | None) -> None:
    """Copy assignments from the previous run to clusters of the same persons; apply decisions."""
    if before is None or before.clusters_run == run.clusters_run:
        return
    had = {one.cluster: one for one in list_run_assignments(before.clusters_run)}
    persons = {one.person: one.label for one in iter_clusters(before) if one.person}
    clusters = [one for one in iter_clusters(run) if one.person]
    carried = [
        _carried_assignments(one, run, cluster)
        for cluster in clusters
        if (one := had.get(persons.get(cluster.person, ""))) is not None
    ]
    bulk_upsert(Assignment, carried)
    forget_erased_people(carried)
    with decision_state(run.collection) as state:
        said = state.profiles()
    for cluster in clusters:
        if cluster.person in said:
            _sync_cluster(run, cluster, said)


def rebuild_assignments(run: Run, state: DecisionState, *, repair: bool) -> list[str]:
    """Return the clusters whose assignment is not what people said; with ``repair`` write it."""
    said, wrong = _of_people_there(state.profiles()), list[str]()
    for cluster in iter_clusters(run):
        if cluster.person not in said:
            continue
        held = find_assignment(run.clusters_run, cluster.label)
        stored = {name: held[name] for name in SAID} if held is not None else {}
        told = held or _empty(run, cluster)
        _settle_cluster(told, said[cluster.person])
        if {name: told[name] for name in SAID} != stored:
            wrong.append(cluster.label)
            if repair:
                _sync_cluster(run, cluster, said)
    return wrong


def _of_people_there(said: Mapping[str, ProfileLink]) -> dict[str, ProfileLink]:
    """Return what people said of persons, as far as it names profiles that are there."""
    erased = list_erased_people(
        {user for one in said.values() for user in (one.user, *one.refused)}
    )
    found = {}
    for person, one in said.items():
        user = "" if one.user in erased else one.user
        refused = [other for other in one.refused if other not in erased]
        if user or refused:
            found[person] = ProfileLink(user=user, refused=refused, events=one.events)
    return found


def _sync_cluster(run: Run, cluster: Cluster, said: Mapping[str, ProfileLink]) -> None:
    """Apply the decisions about one cluster; without any, an automatic assignment is kept."""
    profiled = said.get(cluster.person)
    assignment = find_assignment(run.clusters_run, cluster.label)
    if cluster.person == "" or (assignment is None and profiled is None):
        return
    assignment = assignment or _empty(run, cluster)
    before = assignment.to_mongo().to_dict()
    _settle_cluster(assignment, profiled or ProfileLink())
    assignment.face_count = cluster.face_count
    assignment.sort_key = Assignment.sort_key_for(
        assignment.run, cluster.label, faces=cluster.face_count
    )
    if not assignment.user_id:
        assignment.delete()
    elif assignment.to_mongo().to_dict() != before:
        assignment.updated_at, assignment.version = timezone.now(), assignment.version + 1
        assignment.user_sort_key = Assignment.user_sort_key_for(
            assignment.user_id, assignment.updated_at, assignment.id
        )
        assignment.save()
        forget_erased_people([assignment])


def _settle_cluster(assignment: Assignment, said: ProfileLink) -> None:
    """Apply decisions: a reviewer's choice, else the automatic one unless rejected, else none."""
    if assignment.decided_by == MACHINE:
        assignment.proposed = {name: assignment[name] for name in MEASURED}
        assignment.proposed_user, assignment.proposed_by = assignment.user_id, assignment.strategy
    machine, assignment.rejected = assignment.proposed_user, sorted(said.refused)
    name = said.user if said.user and profile_exists(said.user) else ""
    if machine and name in ("", machine):
        _restore(assignment)
    else:
        _by_hand(assignment, name or next(iter(assignment.rejected), ""))
    assignment.decided_by = get_decision(max(said.events)).by if said.events else MACHINE
    if name:
        assignment.state = AssignmentState.CONFIRMED
    elif assignment.user_id in assignment.rejected:
        assignment.state = AssignmentState.REJECTED
    else:
        assignment.state, assignment.decided_by = AssignmentState.ASSIGNED, MACHINE
        assignment.proposed, assignment.proposed_user, assignment.proposed_by = {}, "", None


def _restore(assignment: Assignment) -> None:
    """Restore the automatic assignment."""
    assignment.user_id, assignment.strategy = assignment.proposed_user, assignment.proposed_by
    for name in MEASURED:
        assignment[name] = assignment.proposed[name]


def _by_hand(assignment: Assignment, user_id: str) -> None:
    """Set a manual assignment, which has no measured similarity."""
    assignment.user_id, assignment.strategy, assignment.similarity = user_id, Strategy.MANUAL, 1.0
    assignment.threshold = assignment.margin = assignment.runner_up_similarity = 0.0
    assignment.runner_up = ""


def _empty(run: Run, cluster: Cluster) -> Assignment:
    """Return a new, unsaved assignment without a person."""
    assignment_id, now = Assignment.id_for(run.clusters_run, cluster.label), timezone.now()
    return Assignment(
        id=assignment_id,
        run=run.clusters_run,
        collection=run.collection,
        cluster=cluster.label,
        strategy=Strategy.MANUAL,
        version=0,
        created_at=now,
        updated_at=now,
    )


def _carried_assignments(one: Assignment, run: Run, cluster: Cluster) -> Assignment:
    """Return an assignment moved to the cluster of the same person in another run."""
    one.id = Assignment.id_for(run.clusters_run, cluster.label)
    one.run, one.cluster = run.clusters_run, cluster.label
    one.sort_key = Assignment.sort_key_for(run.clusters_run, cluster.label)
    one.user_sort_key = Assignment.user_sort_key_for(one.user_id, one.updated_at, one.id)
    one.face_count = cluster.face_count
    return one
