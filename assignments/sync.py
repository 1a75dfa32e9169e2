"""What the log of decisions means for whose the clusters are. Safe to repeat."""

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
    """Write whose the clusters are that a decision changed, and how many faces they have now."""
    with decision_state(run.collection) as state:
        persons = {state.root(person) for person in state.persons_of(decision.id) - {""}}
        said = state.profiles()
    about = {one.label: one for person in persons if (one := cluster_of(run.id, person))}
    about |= get_clusters_by_label(run, [label for label in labels if label not in about])
    for cluster in about.values():
        _sync_cluster(run, cluster, said)


def carry_over(run: Run, before: Run | None) -> None:
    """Give the clusters of a run what those had which they continue, and what people said."""
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
    """Write what people said of one cluster; nothing said leaves it to the machine."""
    profiled = said.get(cluster.person)
    held = find_assignment(run.clusters_run, cluster.label)
    if cluster.person == "" or (held is None and profiled is None):
        return
    held = held or _empty(run, cluster)
    before = held.to_mongo().to_dict()
    _settle_cluster(held, profiled or ProfileLink())
    held.face_count = cluster.face_count
    held.place = Assignment.place_for(held.run, cluster.label, faces=cluster.face_count)
    if not held.user_id:
        held.delete()
    elif held.to_mongo().to_dict() != before:
        held.updated_at, held.version = timezone.now(), held.version + 1
        held.user_place = Assignment.user_place_for(held.user_id, held.updated_at, held.id)
        held.save()
        forget_erased_people([held])


def _settle_cluster(held: Assignment, said: ProfileLink) -> None:
    """Let a person's word count, else the machine's unless it was refused, else nobody's."""
    if held.decided_by == MACHINE:
        held.proposed = {name: held[name] for name in MEASURED}
        held.proposed_user, held.proposed_by = held.user_id, held.strategy
    machine, held.rejected = held.proposed_user, sorted(said.refused)
    name = said.user if said.user and profile_exists(said.user) else ""
    if machine and name in ("", machine):
        _restore(held)
    else:
        _by_hand(held, name or next(iter(held.rejected), ""))
    held.decided_by = get_decision(max(said.events)).by if said.events else MACHINE
    if name:
        held.state = AssignmentState.CONFIRMED
    elif held.user_id in held.rejected:
        held.state = AssignmentState.REJECTED
    else:
        held.state, held.decided_by = AssignmentState.ASSIGNED, MACHINE
        held.proposed, held.proposed_user, held.proposed_by = {}, "", None


def _restore(held: Assignment) -> None:
    """Say again what the machine said."""
    held.user_id, held.strategy = held.proposed_user, held.proposed_by
    for name in MEASURED:
        held[name] = held.proposed[name]


def _by_hand(held: Assignment, user_id: str) -> None:
    """Say what no machine measured."""
    held.user_id, held.strategy, held.similarity = user_id, Strategy.MANUAL, 1.0
    held.threshold = held.margin = held.runner_up_similarity = 0.0
    held.runner_up = ""


def _empty(run: Run, cluster: Cluster) -> Assignment:
    """Return an assignment that says nothing yet."""
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
    """Return an assignment as that of the cluster which continues its own."""
    one.id = Assignment.id_for(run.clusters_run, cluster.label)
    one.run, one.cluster = run.clusters_run, cluster.label
    one.place = Assignment.place_for(run.clusters_run, cluster.label)
    one.user_place = Assignment.user_place_for(one.user_id, one.updated_at, one.id)
    one.face_count = cluster.face_count
    return one
