"""Diff of a run against the current run, face by face. Read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from clustering.decisions.snapshot import members_by_face
from clustering.documents import NOISE, Member, Run
from clustering.selectors import find_run, iter_clusters, iter_members_from

SLICE = 500


@dataclass(frozen=True)
class Changed:
    """A face in another cluster than before; ``before`` is "" for a new face."""

    member: Member
    before: str


def continued_labels(before: Run, run: Run) -> dict[str, str]:
    """Map labels of the earlier run to labels of the same persons in ``run``, "" without one."""
    labels = {one.person: one.label for one in iter_clusters(run) if one.person}
    return {one.label: labels.get(one.person, "") for one in iter_clusters(before)} | {NOISE: NOISE}


def list_changed_faces(run: Run, *, looked_at: int) -> Iterator[Changed]:
    """Iterate the faces with another cluster than before, among the first ``looked_at`` members."""
    before = find_run(run.previewed_from)
    if before is None:
        return
    same, members = continued_labels(before, run), islice(iter_members_from(run, ""), looked_at)
    while page := list(islice(members, SLICE)):
        yield from changes_among(page, before, same=same)


def changes_among(
    members: list[Member], before: Run, *, same: Mapping[str, str]
) -> Iterator[Changed]:
    """Yield those of some members whose cluster has changed since the run ``before``.

    ``same`` maps labels of the earlier run to the labels that continue them.
    """
    there = members_by_face(before.clusters_run, [one.face for one in members])
    for member in members:
        label = there[member.face].cluster if member.face in there else ""
        if not label or same.get(label, "") != member.cluster:
            yield Changed(member, label)
