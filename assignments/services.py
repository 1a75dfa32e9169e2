"""Use cases of assignments: match, save, delete. Manual assignments are never overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from assignments.documents import Assignment, AssignmentState, Strategy
from assignments.match_run import RunMatches, match_run
from assignments.matching import Match, Reason
from assignments.selectors import list_erased_people, list_run_assignments, list_user_assignments
from clustering.decisions.commands import DecisionCommand, execute_command
from clustering.decisions.documents import Decision
from clustering.decisions.redaction import redact_decisions
from clustering.documents import Cluster, Run
from clustering.errors import NoSuchRun
from clustering.selectors import get_collection
from clustering.services import ensure_projected
from clustering.tasks import enqueue_projection
from profiles.errors import NoSuchProfile
from profiles.selectors import get_profile
from storage.mongo import bulk_delete, bulk_delete_same, bulk_insert, bulk_replace
from storage.vectors import face_vector_store
from vision import CATALOGUE, EngineSettings, get_engine

NAMING_OTHERS = ("rejected", "runner_up", "proposed_user")
UNCHANGED = ("version",)  # incremented by every change


@dataclass
class Assigned:
    """The result of a matching, or of a dry run; ``matches`` and ``reasons`` by label."""

    matches: dict[str, Match] = field(default_factory=dict)
    reasons: dict[str, Reason] = field(default_factory=dict)
    kept: int = 0
    removed: int = 0


def assign_run(
    run: Run, found: RunMatches, *, strategy: Strategy, overwrite: bool, dry_run: bool
) -> Assigned:
    """Save the matches of a run's clusters as assignments.

    Existing assignments are kept. With ``overwrite``, automatic ones are replaced, or deleted if
    the cluster no longer matches. Decisions that reviewers make meanwhile are kept as well.
    """
    there = {one.cluster: one for one in list_run_assignments(run.clusters_run)}
    done = Assigned()
    new: list[Assignment] = []
    changed: list[Assignment] = []
    gone: list[Assignment] = []
    for cluster in found.clusters:
        match, before = found.matches[cluster.label], there.get(cluster.label)
        user_id = found.user_ids[match.profile] if match.profile >= 0 else ""
        if before is not None and _stays(before, user_id, overwrite=overwrite):
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
        forget_erased_people([*new, *changed])
    return done


def delete_assignments_of_run(run: str) -> int:
    """Delete all assignments of a run, including emptied clusters; return their number."""
    ids = [one.id for one in list_run_assignments(run, emptied=True)]
    bulk_delete(Assignment, ids)
    return len(ids)


def forget_user_assignments(user_id: str) -> int:
    """Remove a person from all assignments; return the number of removed references."""
    ids = [one.id for one in list_user_assignments(user_id)]
    bulk_delete(Assignment, ids)
    named = 0
    for field_name in NAMING_OTHERS:
        for one in Assignment.objects(**{field_name: user_id}):
            _remove_name(one, user_id)
            named += 1
    return len(ids) + named


def forget_erased_people(written: Iterable[Assignment]) -> None:
    """Remove people from just written assignments who were erased in the meantime.

    Their erasure may have searched for assignments before these were written. It hides the profile
    before it searches, so it finds everything that was written before the profile was hidden.
    """
    named = {
        user_id
        for one in written
        for user_id in (one.user_id, one.runner_up, one.proposed_user, *one.rejected)
        if user_id
    }
    for user_id in list_erased_people(named):
        forget_user_assignments(user_id)


def count_user_assignments(user_id: str) -> int:
    """Return the number of references to a person in assignments."""
    left = sum(1 for _ in list_user_assignments(user_id))
    return left + sum(1 for name in NAMING_OTHERS for _ in Assignment.objects(**{name: user_id}))


def _remove_name(assignment: Assignment, user_id: str) -> None:
    """Remove a person's id from another person's assignment."""
    changes: dict[str, object] = {"pull__rejected": user_id}
    if assignment.runner_up == user_id:
        changes |= {"set__runner_up": "", "set__runner_up_similarity": 0.0}
    if assignment.proposed_user == user_id:
        changes |= {"set__proposed_user": ""}
    Assignment.objects(id=assignment.id).update_one(**changes)


def _stays(before: Assignment, user_id: str, *, overwrite: bool) -> bool:
    """Say whether matching keeps an assignment; a rejected one may be replaced."""
    if user_id in before.rejected:  # rejected since the vectors were read
        return True
    if before.state == AssignmentState.REJECTED:
        return False
    return before.is_by_person or not overwrite


def _save(
    done: Assigned, *, new: list[Assignment], changed: list[Assignment], gone: list[Assignment]
) -> None:
    """Write the matches; skip assignments that were changed concurrently."""
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
    """Return the document of a match; it keeps ``rejected`` of the document it replaces."""
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
    """Return a new, unsaved assignment."""
    assignment_id = Assignment.id_for(run.clusters_run, cluster.label)
    return Assignment(
        id=assignment_id,
        run=run.clusters_run,
        collection=run.collection,
        cluster=cluster.label,
        sort_key=Assignment.sort_key_for(run.clusters_run, cluster.label),
        user_id=user_id,
        user_sort_key=Assignment.user_sort_key_for(user_id, now, assignment_id),
        strategy=strategy,
        face_count=cluster.face_count,
        created_at=now,
        updated_at=now,
    )


@dataclass(frozen=True, eq=False)
class MatchedRun:
    """The matches of a run, and the assignments made from them."""

    found: RunMatches
    done: Assigned
    strategy: Strategy
    dry_run: bool


def match_and_assign(run: Run, asked: Mapping[str, Any], *, engine: EngineSettings) -> MatchedRun:
    """Match a finished run with all profiles and, except for a dry run, save the assignments.

    ``asked`` has the fields of MatchQuery. Raises NoSuchRun if the run has no clusters yet.
    """
    if not run.stats:
        raise NoSuchRun(f"The run {run.id} has no clusters yet; it is {run.state.value}.")
    ensure_projected(run.collection)
    strategy, dry_run = Strategy(asked["strategy"]), asked["dry_run"]
    threshold = asked.get("threshold")
    found = match_run(
        run,
        strategy=strategy,
        threshold=threshold_of(run, engine) if threshold is None else threshold,
        margin=asked["margin"],
        vectors=face_vector_store(),
    )
    done = assign_run(run, found, strategy=strategy, overwrite=asked["overwrite"], dry_run=dry_run)
    return MatchedRun(found, done, strategy, dry_run)


def threshold_of(run: Run, engine: EngineSettings) -> float:
    """Return the minimum cosine similarity of an assignment, for the run's embedder."""
    known = CATALOGUE.get(run.embedder)
    entry = known if known is not None else get_engine(engine).entry
    return float(entry.assignment_threshold)


def record_decision(
    path: str, command: DecisionCommand, *, by: str, dry_run: bool = False
) -> Decision:
    """Execute a command about a collection and enqueue the projection.

    Raises NoSuchProfile if the command's profile does not exist, or is erased meanwhile.
    """
    if command.user_id:
        get_profile(command.user_id)
    decision = execute_command(get_collection(path), command, by=by, dry_run=dry_run)
    if not dry_run:
        enqueue_projection(path)
    if command.user_id and not dry_run and list_erased_people([command.user_id]):
        redact_decisions(command.user_id)  # the erasure searched before the decision was written
        raise NoSuchProfile("The person was erased meanwhile.")
    return decision
