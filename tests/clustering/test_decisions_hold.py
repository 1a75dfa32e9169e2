"""Random photos, decisions and undos, then a full run again: nothing that people said is broken."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustering.decisions.event_log import load_state
from clustering.decisions.events import EventKind
from clustering.decisions.replay import replay_event_log
from clustering.selectors import iter_members
from storage.errors import StorageError
from tests.clustering.conftest import Painted
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

PHOTOS = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3), min_size=4, max_size=7)
KINDS = [kind for kind in EventKind if kind != EventKind.UNDO]
STEPS = st.lists(
    st.tuples(st.sampled_from([*KINDS, EventKind.UNDO]), st.integers(0, 50), st.integers(0, 50)),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(photos=PHOTOS, steps=STEPS, eps=st.sampled_from([0.05, 0.1, 0.6]))
def test_no_decision_is_broken_by_a_run(stores, settings, tmp_path, photos, steps, eps):
    settings.BUCKETS_ROOT = tmp_path / "buckets"
    painted = Painted(settings.BUCKETS_ROOT)
    for number, people in enumerate(photos):
        painted.paint(f"p{number}.png", *(40 * one for one in people), shade=number)
    painted.run()
    reviewed = Reviewed(painted)
    decisions = [made for step in steps if (made := decided(reviewed, *step))]

    rebuilt = replay_event_log(painted.name.path, vectors=painted.vectors)
    assert (rebuilt.differing, rebuilt.miscounted) == ([], [])
    assert broken(reviewed) == []

    reviewed.rerun(full=True, eps=eps)

    assert broken(reviewed) == []
    rebuilt = replay_event_log(painted.name.path, vectors=painted.vectors)
    assert rebuilt.is_unchanged
    assert len(decisions) == load_state(painted.name.path).seq


def decided(reviewed, kind, one, other):
    """Decide something by chance; None if it was refused."""
    here = places(reviewed)
    labels = sorted({place for place in here.values() if place.startswith("cluster")})
    made = list(load_state(reviewed.collection.path).events)
    if not labels or (kind == EventKind.UNDO and not made):
        return None
    faces = sorted(reviewed.faces().values())
    first, second = labels[one % len(labels)], labels[other % len(labels)]
    face = (faces[one % len(faces)],)
    inside = sorted(face for face, place in here.items() if place == second)
    targets = [*labels, "new", "noise"]
    asked = {
        EventKind.MERGE: {"cluster": first, "other": second},
        EventKind.NOT_SAME: {"cluster": first, "other": second},
        EventKind.MOVE: {"faces": face, "to": targets[other % len(targets)]},
        EventKind.SPLIT: {"faces": tuple(inside[: 1 + one % 3]), "cluster": second},
        EventKind.ALLOW_TWICE: {"faces": tuple(faces[one % len(faces) :][:2])},
        EventKind.UNDO: {"undoes": made[one % len(made)] if made else ""},
    }.get(kind, {"faces": (inside[one % len(inside)],), "cluster": second})
    if "profile" in kind:
        asked = {"cluster": second, "user_id": ["ada", "bob"][one % 2]}
    try:
        return reviewed.decide(kind, **asked)
    except StorageError:
        return None


def places(reviewed):
    return {member.face: member.cluster for member in iter_members(reviewed.run)}


def broken(reviewed):
    """Return the contradictions between the groups and the decision state."""
    state, people = load_state(reviewed.collection.path), reviewed.people()
    where = {face: person for person, faces in people.items() for face in faces}
    found = []
    for face, person in state.anchors().items():
        if face in state.attached and state.root(where.get(face, "")) != person:
            found.append(("attached", face, person, where.get(face)))
    for face, rejected in state.rejected.items():
        found += [("rejected", face, one) for one in rejected if where.get(face) == state.root(one)]
    found += [("out", face) for face in state.out if where.get(face) in people.keys() - OUTSIDE]
    found += [("alone", face) for face in state.singletons if where.get(face, "noise") != "noise"]
    for pair in state.cannot_link:
        one, other = sorted(pair)
        if not other.startswith("user:") and state.root(one) == state.root(other):
            found.append(("apart", one, other))
    return found


OUTSIDE = {"not_a_face", "ignored", "poor"}
