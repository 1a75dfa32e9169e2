"""Manual assignments: each is a decision, so that it constrains later runs."""

from __future__ import annotations

from collections.abc import Mapping

from assignments.documents import Assignment, AssignmentState
from assignments.errors import AssignmentExists, NotAPerson, NotCurrent, StaleAssignment
from assignments.selectors import find_assignment, get_assignment, list_run_assignments
from assignments.services import record_decision
from clustering.decisions.commands import DecisionCommand
from clustering.decisions.errors import StaleDecision
from clustering.decisions.event_log import decision_state
from clustering.decisions.events import EventKind
from clustering.decisions.snapshot import snapshot_run
from clustering.documents import Cluster, Run
from clustering.errors import NoSuchRun
from clustering.selectors import get_cluster
from clustering.services import ensure_projected
from storage.mongo import bulk_delete_same


def create_assignment(
    run: Run, cluster: Cluster, user_id: str, *, by: str, overwrite: bool
) -> Assignment:
    """Assign a cluster to a person.

    Raises NotAPerson for noise, NotCurrent for clusters of an earlier run, and AssignmentExists if
    it is already assigned, except with ``overwrite``.
    """
    if cluster.is_noise:
        raise NotAPerson("The unmatched faces (noise) are not one person; name a cluster.")
    versions = _versions(_current(run.collection, run.clusters_run), cluster)
    before = find_assignment(run.clusters_run, cluster.label)
    if before is not None and before.is_held and not overwrite:
        raise _exists(cluster.label, before)
    asked = DecisionCommand(
        EventKind.CHOOSE_PROFILE, cluster=cluster.label, user_id=user_id, versions=versions
    )
    try:
        _decide(run.collection, asked, by=by)
    except StaleDecision as stale:
        before = find_assignment(run.clusters_run, cluster.label)
        raise _exists(cluster.label, before) if before is not None else stale from stale
    return get_assignment(Assignment.id_for(run.clusters_run, cluster.label))


def change_assignment(
    assignment: Assignment,
    *,
    user_id: str | None,
    state: AssignmentState | None,
    version: int | None,
    by: str,
) -> Assignment:
    """Change the person of an assignment, confirm it, or reject it.

    Raises StaleAssignment if it changed since ``version`` or since ``assignment`` was read.
    """
    versions = _seen_versions(assignment, version)
    to = user_id or assignment.user_id
    if state == AssignmentState.REJECTED:
        kind = EventKind.REJECT_PROFILE
    else:
        kind = EventKind.CONFIRM_PROFILE if to == assignment.user_id else EventKind.CHOOSE_PROFILE
    asked = DecisionCommand(kind, cluster=assignment.cluster, user_id=to, versions=versions)
    try:
        _decide(assignment.collection, asked, by=by)
    except StaleDecision as stale:
        raise _stale(assignment.id) from stale
    return get_assignment(assignment.id)


def delete_assignment(assignment: Assignment, *, version: int | None, by: str) -> None:
    """Delete an assignment: undo the decisions about it, and delete an automatic one."""
    if version not in (None, assignment.version):
        raise _stale(assignment.id)
    left: Assignment | None = assignment
    if (run := _current_find(assignment.collection, assignment.run)) is not None:
        _undo_all(run, get_cluster(run, assignment.cluster), by=by)
        left = find_assignment(assignment.run, assignment.cluster)
    if left is not None and not bulk_delete_same(Assignment, [left], ("version", "decided_by")):
        raise _stale(assignment.id)


def delete_run_assignments(run: Run, *, by: str) -> int:
    """Delete all assignments of a run, including manual ones; return their number."""
    deleted = 0
    for one in list(list_run_assignments(run.clusters_run)):
        delete_assignment(one, version=None, by=by)
        deleted += 1
    return deleted


def _current_find(path: str, groups: str) -> Run | None:
    """Return the run of the current groups if ``groups`` are current, else None."""
    try:
        return _current(path, groups)
    except (NoSuchRun, NotCurrent):
        return None


def _current(path: str, groups: str) -> Run:
    """Return the run of the current groups; raise NotCurrent if it is not ``groups``."""
    run = snapshot_run(path)
    if run.id != groups:
        raise NotCurrent(
            f"These are clusters of an earlier run of {path}; assign in the current one.",
            clustering_id=run.id,
        )
    return run


def _seen_versions(assignment: Assignment, version: int | None) -> Mapping[str, int]:
    """Return the version of the cluster at which the assignment was read.

    The version is read before the assignment is compared again, so that a change in between is
    noticed. Raises StaleAssignment.
    """
    run = _current(assignment.collection, assignment.run)
    versions = _versions(run, get_cluster(run, assignment.cluster))
    now = get_assignment(assignment.id).version
    if now != assignment.version or version not in (None, now):
        raise _stale(assignment.id)
    return versions


def _versions(run: Run, cluster: Cluster) -> Mapping[str, int]:
    """Return the number of the last decision about a cluster."""
    with decision_state(run.collection) as state:
        return {cluster.label: state.version(cluster.person)}


def _undo_all(run: Run, cluster: Cluster, *, by: str) -> None:
    """Undo all decisions about a cluster's profile, the newest first."""
    while True:
        with decision_state(run.collection) as state:
            said = state.profiles().get(cluster.person)
        if said is None:
            return
        _decide(run.collection, DecisionCommand(EventKind.UNDO, undoes=max(said.events)), by=by)


def _decide(path: str, asked: DecisionCommand, *, by: str) -> None:
    """Record a decision and project it."""
    record_decision(path, asked, by=by)
    ensure_projected(path)


def _exists(label: str, before: Assignment) -> AssignmentExists:
    return AssignmentExists(
        f"{label} is assigned already; change that, or overwrite it.",
        assignment_id=before.id,
        user_id=before.user_id,
    )


def _stale(assignment_id: str) -> StaleAssignment:
    now = Assignment.objects(id=assignment_id).first()
    if now is None:
        return StaleAssignment("Another user deleted this assignment meanwhile.", assignment=None)
    return StaleAssignment(
        f"Another user changed this assignment meanwhile: {now.user_id}, {now.state.value}.",
        assignment={"user_id": now.user_id, "state": now.state.value, "version": now.version},
    )
