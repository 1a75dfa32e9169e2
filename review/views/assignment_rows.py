"""Rows of assignments on pages, of a run or of a person, and the removal of an assignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from assignments.documents import Assignment
from assignments.manual import delete_assignment
from assignments.selectors import get_assignment, list_user_assignments, map_groups_to_runs
from clustering.documents import Cluster, Run
from clustering.selectors import get_clusters_by_label
from clustering.services import ensure_projected
from profiles.selectors import get_profile_names
from review.forms import AssignmentRemoveForm
from storage.names import CollectionName
from web.auth import caller_name, role_required
from web.errors import NotValid
from web.htmx import came_from, see_other
from web.roles import Role

PER_PAGE = 60


@dataclass(frozen=True)
class Row:
    """A row of a list; ``version`` is the number of the last decision projected to its run."""

    assignment: Assignment
    name: CollectionName
    cluster: Cluster | None
    person: str
    version: int


@require_POST
@role_required(Role.REVIEWER)
def assignment_remove(request: HttpRequest, assignment_id: str) -> HttpResponse:
    """Remove an assignment; decisions about it are undone."""
    removed, form = get_assignment(assignment_id), AssignmentRemoveForm(request.POST)
    if not form.is_valid():
        raise NotValid(form.errors)
    delete_assignment(removed, version=form.cleaned_data["version"], by=caller_name(request))
    messages.success(request, f"{removed.cluster} unassigned.")
    listed = f"{reverse('assignments')}?{urlencode({'collection': removed.collection})}"
    return see_other(came_from(request, otherwise=listed))


def rows_shown(page: Iterable[Assignment], runs: Mapping[str, Run]) -> list[Row]:
    """Return rows for the assignments whose run is in ``runs`` (by id of the run with the groups).

    Pass runs that were read before the assignments.
    """
    listed = [one for one in page if one.run in runs]
    labels: dict[str, list[str]] = {}
    for one in listed:
        labels.setdefault(one.run, []).append(one.cluster)
    clusters = {
        groups: get_clusters_by_label(runs[groups], some) for groups, some in labels.items()
    }
    names = get_profile_names({one.user_id for one in listed})
    return [
        Row(
            assignment=one,
            name=CollectionName.parse(one.collection),
            cluster=clusters[one.run].get(one.cluster),
            person=names.get(one.user_id, one.user_id),
            version=runs[one.run].projected_seq,
        )
        for one in listed
    ]


def rows_of_user(user_id: str, *, before: str) -> tuple[list[Row], str]:
    """Return a page of a person's assignments in all collections, and the next ``before``."""
    groups = map_groups_to_runs()
    paths = {one.collection for one in _of_user(user_id, groups, before)}
    settled = [run for path in sorted(paths) if (run := ensure_projected(path)) is not None]
    found = _of_user(user_id, groups, before)
    page = found[:PER_PAGE]
    more = page[-1].user_sort_key if len(found) > PER_PAGE else ""
    return rows_shown(page, {run.id: run for run in settled}), more


def _of_user(user_id: str, groups: Mapping[str, str], before: str) -> list[Assignment]:
    """Return the newest assignments of a person in current runs, one more than a page."""
    found = list_user_assignments(user_id, before=before)
    seen = (one for one in found if one.run in groups and one.face_count)
    return list(islice(seen, PER_PAGE + 1))
