"""Queries on assignments. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from assignments.documents import Assignment, emptied_sort_key
from assignments.errors import NoSuchAssignment
from clustering.documents import Run, RunState
from clustering.errors import NoSuchRun
from clustering.selectors import find_run, get_run, list_collections, list_runs
from profiles.documents import Profile, ProfileState
from storage.mongo import PREFIX_END, iter_fields

STREAM = 1000
IDS_PER_QUERY = 100


def get_assignment(assignment_id: str) -> Assignment:
    """Return an assignment; raise NoSuchAssignment without one."""
    found = Assignment.objects(id=assignment_id).first()
    if found is None:
        raise NoSuchAssignment("There is no assignment with this id.")
    return found


def find_assignment(run: str, label: str) -> Assignment | None:
    """Return the assignment of a cluster, None without one.

    ``run`` is the run that owns the groups.
    """
    return Assignment.objects(id=Assignment.id_for(run, label)).first()


def list_assignments(run: str, *, after: str = "", limit: int) -> list[Assignment]:
    """Return up to ``limit`` assignments of a run by cluster, after a sort key."""
    return _page(f"{run}/", after=after, limit=limit)


def list_run_assignments(run: str, *, emptied: bool = False) -> Iterator[Assignment]:
    """Iterate all assignments of a run by cluster; ``emptied`` includes clusters without faces."""
    for first in (f"{run}/", *([emptied_sort_key(run)] if emptied else [])):
        after = ""
        while page := _page(first, after=after, limit=STREAM):
            yield from page
            after = page[-1].sort_key
            if len(page) < STREAM:
                break


def iter_assignments_after(after: str, *, limit: int) -> list[Assignment]:
    """Return up to ``limit`` assignments of any run, after a sort key."""
    return list(Assignment.objects(sort_key__gt=after).order_by("sort_key").limit(limit))


def iter_assignments() -> Iterator[Assignment]:
    """Iterate all assignments, run by run."""
    after = ""
    while page := iter_assignments_after(after, limit=STREAM):
        yield from page
        after = page[-1].sort_key
        if len(page) < STREAM:
            return


def list_user_assignments(user_id: str, *, before: str = "") -> Iterator[Assignment]:
    """Iterate a person's assignments, the newest first, before a sort key."""
    first = f"{user_id}\t"
    end = before or first + PREFIX_END
    while True:
        query = Assignment.objects(user_sort_key__gte=first, user_sort_key__lt=end)
        page = list(query.order_by("-user_sort_key").limit(STREAM))
        yield from page
        if len(page) < STREAM:
            return
        end = page[-1].user_sort_key


def list_erased_people(user_ids: Iterable[str]) -> set[str]:
    """Return the ids that have no active profile: erased, or being erased."""
    asked = sorted(set(user_ids))
    there = {
        str(one["_id"])
        for first in range(0, len(asked), IDS_PER_QUERY)
        for one in iter_fields(
            Profile, {"_id": {"$in": asked[first : first + IDS_PER_QUERY]}}, ["state"]
        )
        if one["state"] == ProfileState.ACTIVE
    }
    return set(asked) - there


def _page(first: str, *, after: str, limit: int) -> list[Assignment]:
    query = Assignment.objects(sort_key__gt=after or first, sort_key__lt=first + PREFIX_END)
    return list(query.order_by("sort_key").limit(limit))


RUNS_LOOKED_AT = 1000


def map_groups_to_runs(*, history: bool = False) -> dict[str, str]:
    """Return the run id for each id that groups are stored under.

    Only current runs; with ``history`` all finished runs whose groups are stored. Of runs that
    share groups, the newest one counts.
    """
    found: dict[str, str] = {}
    for collection in list_collections():
        runs = _kept_runs(collection.path) if history else [find_run(collection.current_run)]
        for run in runs:
            if run is not None:
                found.setdefault(run.clusters_run, run.id)
    return found


def iter_current_assignments(
    some: Iterable[Assignment], runs: Mapping[str, str]
) -> Iterator[Assignment]:
    """Iterate the assignments of these runs whose cluster has faces and is not rejected."""
    return (one for one in some if one.is_held and one.run in runs)


def get_kept_run(run_id: str) -> Run:
    """Return a run; raise NoSuchRun if its clusters were deleted."""
    run = get_run(run_id)
    if run.forgotten:
        raise NoSuchRun(f"The clusters of the run {run_id} are not kept any more.")
    return run


def _kept_runs(path: str) -> list[Run]:
    """Return the finished runs of a collection whose clusters are stored, newest first."""
    return [
        run
        for run in list_runs(path, limit=RUNS_LOOKED_AT)
        if run.state == RunState.FINISHED and not run.forgotten
    ]
