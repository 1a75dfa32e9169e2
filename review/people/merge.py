"""Merge two profiles of one person: decisions and photos move to one, the other is erased.

Idempotent: decisions are moved first, then photos, and the profile is erased last.
"""

from __future__ import annotations

from collections.abc import Iterator

from assignments.services import record_decision
from clustering.decisions.commands import DecisionCommand
from clustering.decisions.event_log import decision_state
from clustering.decisions.events import EventKind
from clustering.decisions.snapshot import cluster_of
from clustering.selectors import list_collections
from clustering.services import ensure_projected
from profiles.photo_check import Engine, check_photo
from profiles.reference_photos import ProfileStores
from profiles.selectors import get_profile, list_references
from profiles.services import Mode, update_profile
from review.errors import SameProfile
from review.people.erase import PersonReceipt, erase_person
from vision import QualityThresholds


def merge_profiles(
    kept: str,
    gone: str,
    *,
    engine: Engine,
    thresholds: QualityThresholds,
    stores: ProfileStores,
    by: str,
) -> PersonReceipt:
    """Move the photos of ``gone`` and the decisions about its clusters to ``kept``; erase ``gone``.

    Raises ContradictsDecisions, and changes nothing, if reviewers decided that clusters of the two
    are not the same person. Automatic assignments of ``gone`` are deleted; the next matching can
    assign their clusters again.
    """
    if kept == gone:
        raise SameProfile("This is one profile.")
    fence = get_profile(kept).fence
    photos = list_references(get_profile(gone))
    known = [one.path for one in list_collections()]
    decisions = [one for path in known for one in _decisions(path, kept, gone)]
    for path, asked in decisions:
        record_decision(path, asked, by=by, dry_run=True)
    for path, asked in decisions:
        record_decision(path, asked, by=by)
    for reference in photos:
        photo = check_photo(stores.photos.read(reference.id), engine=engine, thresholds=thresholds)
        update_profile(kept, photo, mode=Mode.ADD, force=True, stores=stores, by=by, fence=fence)
    for path in {path for path, _ in decisions}:
        ensure_projected(path)
    return erase_person(gone, stores=stores)


def _decisions(path: str, kept: str, gone: str) -> Iterator[tuple[str, DecisionCommand]]:
    """Yield the decisions about ``kept`` that repeat those about ``gone`` in a collection."""
    run = ensure_projected(path)
    if run is None:
        return
    with decision_state(path) as state:
        said = state.profiles()
    for person, profiled in said.items():
        if gone not in (profiled.user, *profiled.refused):
            continue
        cluster = cluster_of(run.clusters_run, person)
        if cluster is not None and cluster.face_count:
            kind = EventKind.CHOOSE_PROFILE if profiled.user == gone else EventKind.REJECT_PROFILE
            yield path, DecisionCommand(kind, cluster=cluster.label, user_id=kept)
