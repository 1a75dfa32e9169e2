"""Enrol a person from the faces of a cluster: its best crops become reference photos."""

from __future__ import annotations

import re
from contextlib import suppress
from hashlib import sha256

from clustering.documents import Run
from clustering.selectors import list_members
from profiles.documents import fold_name
from profiles.errors import NoFace, NotTheSamePerson, PoorFace, SeveralFaces
from profiles.photo_check import CheckedPhoto, Engine, check_photo
from profiles.reference_photos import ProfileStores
from profiles.selectors import find_profile
from profiles.services import Mode, enrol_profile, update_profile
from profiles.tombstones import current_fence
from storage.errors import ObjectVanished
from storage.pictures import PictureStore
from vision import QualityThresholds

LOOKED_AT = 12  # crops to check, the most typical first
KEPT = 3  # reference photos to store
ID_LENGTH = 40
ANY = QualityThresholds(min_face_size=1, min_confidence=0.01, blur_threshold=0)


def enrol_cluster_person(
    run: Run,
    label: str,
    *,
    name: str,
    force: bool,
    engine: Engine,
    thresholds: QualityThresholds,
    crops: PictureStore,
    stores: ProfileStores,
    by: str,
) -> str:
    """Enrol a person of this name by the best faces of a cluster; return the new user_id.

    Raises NoFace if no crop shows exactly one face of sufficient quality (with ``force``: of any
    quality), and LooksLikeAnother, except with ``force``, if the face matches an enrolled person.
    """
    fence = current_fence()
    good = _good_photos(run, label, engine=engine, thresholds=thresholds, crops=crops)
    if not good and force:
        good = _good_photos(run, label, engine=engine, thresholds=ANY, crops=crops)
    if not good:
        raise NoFace(f"No face of {label} is good enough to enrol a person.", seen={})
    user_id = suggest_user_id(name)
    enrol_profile(user_id, good[0], name=name, force=force, stores=stores, by=by, fence=fence)
    for photo in good[1:]:
        with suppress(NotTheSamePerson):  # an odd one in the cluster
            update_profile(
                user_id, photo, mode=Mode.ADD, force=force, stores=stores, by=by, fence=fence
            )
    return user_id


def suggest_user_id(name: str) -> str:
    """Return an unused user_id for a name: its ASCII letters, with a number if the id is taken."""
    plain = re.sub(r"[^a-z0-9]+", "-", fold_name(name)).strip("-")[:ID_LENGTH]
    plain = plain or f"person-{sha256(name.encode()).hexdigest()[:8]}"
    candidates = [plain, *(f"{plain}-{number}" for number in range(2, 1000))]
    return next(one for one in candidates if find_profile(one) is None)


def _good_photos(
    run: Run, label: str, *, engine: Engine, thresholds: QualityThresholds, crops: PictureStore
) -> list[CheckedPhoto]:
    """Return up to KEPT crops of a cluster that show exactly one face of sufficient quality."""
    found: list[CheckedPhoto] = []
    for member in list_members(run, label, limit=LOOKED_AT):
        with suppress(NoFace, SeveralFaces, PoorFace, ObjectVanished):
            data = crops.read(member.face)
            found.append(check_photo(data, engine=engine, thresholds=thresholds))
        if len(found) == KEPT:
            break
    return found
