"""Save what was matched, and change assignments by hand; a person's word is never overwritten."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from mongoengine.errors import NotUniqueError

from assignments.documents import Assignment, AssignmentState, Strategy
from assignments.errors import AssignmentExists, NotAPerson, StaleAssignment
from assignments.matching import Match, Reason
from assignments.run_matching import RunMatches
from assignments.selectors import assignments_of_run, assignments_of_user
from clustering.documents import NOISE, Cluster, Run
from storage.mongo import bulk_delete, bulk_delete_same, bulk_insert, bulk_replace

UNCHANGED = ("version",)  # goes up with every change


@dataclass
class Assigned:
    """What a matching did, or with a dry run would do; by label."""

    matches: dict[str, Match] = field(default_factory=dict)
    reasons: dict[str, Reason] = field(default_factory=dict)
    kept: int = 0
    removed: int = 0


def run_assign(
    run: Run, found: RunMatches, *, strategy: Strategy, overwrite: bool, dry_run: bool
) -> Assigned:
    """Save whose the clusters of a run are.

    What is there already stays; with ``overwrite`` what the machine had said is replaced, and goes
    where it no longer holds. What a person decides meanwhile stays as well.
    """
    there = {one.cluster: one for one in assignments_of_run(run.clusters_run)}
    done = Assigned()
    new: list[Assignment] = []
    changed: list[Assignment] = []
    gone: list[Assignment] = []
    for cluster in found.clusters:
        match, before = found.matches[cluster.label], there.get(cluster.label)
        if before is not None and _stays(before, overwrite=overwrite):
            done.kept += 1
        elif match.reason is not None:
            done.reasons[cluster.label] = match.reason
            if before is not None and before.is_held:
                gone.append(before)
        else:
            done.matches[cluster.label] = match
            made = _assignment(run, cluster, match, found=found, strategy=strategy, before=before)
            (new if before is None else changed).append(made)
    done.removed = len(gone)
    if not dry_run:
        _save(done, new=new, changed=changed, gone=gone)
    return done


def assignment_create(
    run: Run, cluster: Cluster, user_id: str, *, by: str, overwrite: bool
) -> Assignment:
    """Say whose a cluster is; one that is assigned already needs ``overwrite``."""
    if cluster.label == NOISE:
        raise NotAPerson("Noise holds faces of many; name a cluster.")
    made = _new(run, cluster, user_id, Strategy.MANUAL, now=timezone.now())
    made.state, made.decided_by, made.similarity = AssignmentState.CONFIRMED, by, 1.0
    try:
        return made.save(force_insert=True)
    except NotUniqueError:
        before = Assignment.objects(id=made.id).first()
    if before is None or (before.is_held and not overwrite):
        raise AssignmentExists(
            f"{cluster.label} is assigned already; change that, or overwrite it.",
            assignment_id=made.id,
            user_id=before.user_id if before is not None else "",
        )
    return assignment_change(before, user_id=user_id, state=None, version=None, by=by)


def assignment_change(
    assignment: Assignment,
    *,
    user_id: str | None,
    state: AssignmentState | None,
    version: int | None,
    by: str,
) -> Assignment:
    """Change whose a cluster is, or whether that is right, as somebody saw it."""
    if version is not None and version != assignment.version:
        raise _stale(assignment.id)
    to, now = user_id or assignment.user_id, timezone.now()
    is_no = state == AssignmentState.REJECTED
    rejected = [one for one in assignment.rejected if one != to] + ([to] if is_no else [])
    changed = Assignment.objects(id=assignment.id, version=assignment.version).modify(
        new=True,
        set__user_id=to,
        set__user_place=Assignment.user_place_for(to, now, assignment.id),
        set__state=state or AssignmentState.CONFIRMED,
        set__strategy=Strategy.MANUAL if to != assignment.user_id else assignment.strategy,
        set__rejected=rejected,
        set__decided_by=by,
        set__updated_at=now,
        inc__version=1,
    )
    if changed is None:
        raise _stale(assignment.id)
    return changed


def assignment_delete(assignment: Assignment, *, version: int | None) -> None:
    """Forget whose a cluster is, and what was said of it, as somebody saw it."""
    if version is not None and version != assignment.version:
        raise _stale(assignment.id)
    if not bulk_delete_same(Assignment, [assignment], ("version",)):
        raise _stale(assignment.id)


def assignments_of_run_delete(run: str) -> int:
    """Remove all assignments of a run; return how many."""
    ids = [one.id for one in assignments_of_run(run)]
    bulk_delete(Assignment, ids)
    return len(ids)


def assignments_of_user_forget(user_id: str) -> int:
    """Remove a person from all assignments; return in how many they were named."""
    ids = [one.id for one in assignments_of_user(user_id)]
    bulk_delete(Assignment, ids)
    named = 0
    for field_name in ("rejected", "runner_up"):
        for one in Assignment.objects(**{field_name: user_id}):
            _unname(one, user_id)
            named += 1
    return len(ids) + named


def assignments_of_user_left(user_id: str) -> int:
    """Return how many assignments still name a person."""
    left = sum(1 for _ in assignments_of_user(user_id))
    return left + sum(
        1 for name in ("rejected", "runner_up") for _ in Assignment.objects(**{name: user_id})
    )


def _unname(assignment: Assignment, user_id: str) -> None:
    """Take a person's id out of somebody else's assignment."""
    changes: dict[str, object] = {"pull__rejected": user_id}
    if assignment.runner_up == user_id:
        changes |= {"set__runner_up": "", "set__runner_up_similarity": 0.0}
    Assignment.objects(id=assignment.id).update_one(**changes)


def _stays(before: Assignment, *, overwrite: bool) -> bool:
    """Say whether the machine leaves a cluster as it is; a refusal alone leaves it open."""
    if before.state == AssignmentState.REJECTED:
        return False
    return before.is_by_person or not overwrite


def _save(
    done: Assigned, *, new: list[Assignment], changed: list[Assignment], gone: list[Assignment]
) -> None:
    """Write what was matched; what a person, or another matching, was faster with stays."""
    done.kept += len(bulk_insert(Assignment, new))
    done.kept += len(changed) - bulk_replace(Assignment, changed, UNCHANGED)
    done.removed = bulk_delete_same(Assignment, gone, UNCHANGED)


def _assignment(
    run: Run,
    cluster: Cluster,
    match: Match,
    *,
    found: RunMatches,
    strategy: Strategy,
    before: Assignment | None,
) -> Assignment:
    """Return the document of a match; over an earlier one it keeps what people refused."""
    made = _new(run, cluster, found.user_ids[match.profile], strategy, now=timezone.now())
    made.similarity, made.threshold, made.margin = (
        round(match.similarity, 6),
        found.rules.threshold,
        found.rules.margin,
    )
    if match.runner_up >= 0:
        made.runner_up = found.user_ids[match.runner_up]
        made.runner_up_similarity = round(match.runner_up_similarity, 6)
    if before is not None:
        made.rejected, made.version = before.rejected, before.version
    return made


def _new(
    run: Run, cluster: Cluster, user_id: str, strategy: Strategy, *, now: datetime
) -> Assignment:
    """Return an assignment that is not stored yet."""
    assignment_id = Assignment.id_for(run.clusters_run, cluster.label)
    return Assignment(
        id=assignment_id,
        run=run.clusters_run,
        collection=run.collection,
        cluster=cluster.label,
        place=Assignment.place_for(run.clusters_run, cluster.label),
        user_id=user_id,
        user_place=Assignment.user_place_for(user_id, now, assignment_id),
        strategy=strategy,
        face_count=cluster.face_count,
        created_at=now,
        updated_at=now,
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
