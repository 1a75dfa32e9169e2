"""Assignments by hand: each is a decision, so that later runs start from it."""

from __future__ import annotations

from collections.abc import Mapping

from assignments.deciding import request_decided
from assignments.documents import Assignment, AssignmentState
from assignments.errors import AssignmentExists, NotAPerson, NotCurrent, StaleAssignment
from assignments.selectors import assignment_get, assignment_of, assignments_of_run
from clustering.decisions.deciding import Asked
from clustering.decisions.errors import Stale
from clustering.decisions.ground import current_run
from clustering.decisions.kinds import Kind
from clustering.decisions.log import law_of
from clustering.documents import Cluster, Run
from clustering.edge import groups_settle
from clustering.errors import NoSuchRun
from clustering.selectors import cluster_get
from storage.mongo import bulk_delete_same


def assignment_create(
    run: Run, cluster: Cluster, user_id: str, *, by: str, overwrite: bool
) -> Assignment:
    """Say whose a cluster is; one that is assigned already needs ``overwrite``."""
    if cluster.is_noise:
        raise NotAPerson("Noise holds faces of many; name a cluster.")
    versions = _versions(_current(run.collection, run.clusters_run), cluster)
    before = assignment_of(run.clusters_run, cluster.label)
    if before is not None and before.is_held and not overwrite:
        raise _exists(cluster.label, before)
    asked = Asked(Kind.CHOOSE_PROFILE, cluster=cluster.label, user_id=user_id, versions=versions)
    try:
        _decide(run.collection, asked, by=by)
    except Stale as stale:
        before = assignment_of(run.clusters_run, cluster.label)
        raise _exists(cluster.label, before) if before is not None else stale from stale
    return assignment_get(Assignment.id_for(run.clusters_run, cluster.label))


def assignment_change(
    assignment: Assignment,
    *,
    user_id: str | None,
    state: AssignmentState | None,
    version: int | None,
    by: str,
) -> Assignment:
    """Change whose a cluster is, or whether that is right, as somebody saw it."""
    versions = _seen(assignment, version)
    to = user_id or assignment.user_id
    if state == AssignmentState.REJECTED:
        kind = Kind.REJECT_PROFILE
    else:
        kind = Kind.CONFIRM_PROFILE if to == assignment.user_id else Kind.CHOOSE_PROFILE
    asked = Asked(kind, cluster=assignment.cluster, user_id=to, versions=versions)
    try:
        _decide(assignment.collection, asked, by=by)
    except Stale as stale:
        raise _stale(assignment.id) from stale
    return assignment_get(assignment.id)


def assignment_delete(assignment: Assignment, *, version: int | None, by: str) -> None:
    """Forget whose a cluster is: what people said of it is undone, the machine's goes."""
    if version not in (None, assignment.version):
        raise _stale(assignment.id)
    left: Assignment | None = assignment
    if (run := _current_find(assignment.collection, assignment.run)) is not None:
        _undo_all(run, cluster_get(run, assignment.cluster), by=by)
        left = assignment_of(assignment.run, assignment.cluster)
    if left is not None and not bulk_delete_same(Assignment, [left], ("version", "decided_by")):
        raise _stale(assignment.id)


def run_assignments_delete(run: Run, *, by: str) -> int:
    """Forget whose the clusters of a run are, what people said too; return how many were."""
    deleted = 0
    for one in list(assignments_of_run(run.clusters_run)):
        assignment_delete(one, version=None, by=by)
        deleted += 1
    return deleted


def _current_find(path: str, groups: str) -> Run | None:
    """Return the run whose groups readers see if these are they."""
    try:
        return _current(path, groups)
    except (NoSuchRun, NotCurrent):
        return None


def _current(path: str, groups: str) -> Run:
    """Return the run whose groups readers see, if these are they."""
    run = current_run(path)
    if run.id != groups:
        raise NotCurrent(
            f"These are clusters of an earlier run of {path}; assign in the current one.",
            clustering_id=run.id,
        )
    return run


def _seen(assignment: Assignment, version: int | None) -> Mapping[str, int]:
    """Return the version of the cluster that goes with the assignment as it was read."""
    run = _current(assignment.collection, assignment.run)
    versions = _versions(run, cluster_get(run, assignment.cluster))
    now = assignment_get(assignment.id).version
    if now != assignment.version or version not in (None, now):
        raise _stale(assignment.id)
    return versions


def _versions(run: Run, cluster: Cluster) -> Mapping[str, int]:
    """Return the number of the last decision about a cluster."""
    with law_of(run.collection) as law:
        return {cluster.label: law.version(cluster.person)}


def _undo_all(run: Run, cluster: Cluster, *, by: str) -> None:
    """Undo what people said of a cluster's profile, the newest first, until nothing is said."""
    while True:
        with law_of(run.collection) as law:
            said = law.profiles().get(cluster.person)
        if said is None:
            return
        _decide(run.collection, Asked(Kind.UNDO, undoes=max(said.rulings)), by=by)


def _decide(path: str, asked: Asked, *, by: str) -> None:
    """Decide, and see it written."""
    request_decided(path, asked, by=by)
    groups_settle(path)


def _exists(label: str, before: Assignment) -> AssignmentExists:
    """Return the refusal to assign what is assigned."""
    return AssignmentExists(
        f"{label} is assigned already; change that, or overwrite it.",
        assignment_id=before.id,
        user_id=before.user_id,
    )


def _stale(assignment_id: str) -> StaleAssignment:
    """Return the refusal of a change to what is not as it was seen."""
    now = Assignment.objects(id=assignment_id).first()
    if now is None:
        return StaleAssignment("Somebody deleted this assignment meanwhile.", assignment=None)
    return StaleAssignment(
        f"Somebody changed this assignment meanwhile: it is {now.user_id}'s, {now.state.value}.",
        assignment={"user_id": now.user_id, "state": now.state.value, "version": now.version},
    )
