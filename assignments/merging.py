"""Two profiles that are one person: what the one has becomes the other's, and the one is erased.

Safe to repeat: decisions first, then photos, and the profile goes last.
"""

from __future__ import annotations

from collections.abc import Iterator

from assignments.deciding import request_decided
from assignments.erasure import PersonReceipt, person_erase
from assignments.errors import SameProfile
from clustering.decisions.deciding import Asked
from clustering.decisions.ground import cluster_of
from clustering.decisions.kinds import Kind
from clustering.decisions.log import law_of
from clustering.edge import groups_settle
from clustering.selectors import collection_list
from profiles.judgement import Engine, photo_judge
from profiles.photos import ProfileStores
from profiles.selectors import profile_get, references_of
from profiles.services import Mode, profile_update
from vision import QualityThresholds


def profiles_merge(
    kept: str,
    gone: str,
    *,
    engine: Engine,
    thresholds: QualityThresholds,
    stores: ProfileStores,
    by: str,
) -> PersonReceipt:
    """Give a person's photos, and what people said of their clusters, to another; erase the person.

    Raises Contradicts, and changes nothing, if people said that clusters of the two are not the
    same. What only the machine had said of the erased one is matched anew.
    """
    if kept == gone:
        raise SameProfile("This is one profile.")
    fence = profile_get(kept).fence
    photos = references_of(profile_get(gone))
    known = [one.path for one in collection_list()]
    decisions = [one for path in known for one in _decisions(path, kept, gone)]
    for path, asked in decisions:
        request_decided(path, asked, by=by, dry_run=True)
    for path, asked in decisions:
        request_decided(path, asked, by=by)
    for reference in photos:
        photo = photo_judge(stores.photos.read(reference.id), engine=engine, thresholds=thresholds)
        profile_update(kept, photo, mode=Mode.ADD, force=True, stores=stores, by=by, fence=fence)
    for path in {path for path, _ in decisions}:
        groups_settle(path)
    return person_erase(gone, stores=stores)


def _decisions(path: str, kept: str, gone: str) -> Iterator[tuple[str, Asked]]:
    """Yield what has to be said of one for all that people said of the other in a collection."""
    run = groups_settle(path)
    if run is None:
        return
    with law_of(path) as law:
        said = law.profiles()
    for person, profiled in said.items():
        if gone not in (profiled.user, *profiled.refused):
            continue
        cluster = cluster_of(run.clusters_run, person)
        if cluster is not None and cluster.face_count:
            kind = Kind.CHOOSE_PROFILE if profiled.user == gone else Kind.REJECT_PROFILE
            yield path, Asked(kind, cluster=cluster.label, user_id=kept)
