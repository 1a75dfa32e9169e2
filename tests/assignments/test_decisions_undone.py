"""Undo of each kind over REST: what readers see is as before, and so it is after the next run."""

import pytest

from clustering.selectors import get_cluster
from clustering.services import ensure_projected
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

DECISIONS = "/api/v1/decisions/"


@pytest.fixture
def reviewed(matched):
    return Reviewed(matched)


@pytest.fixture
def decide(matched, reviewer):
    """Post one decision and return its answer, which is a refusal's if it was refused."""

    def post(**decision):
        body = {"collection": matched.name.path, "decisions": [decision]}
        answer = reviewer.post(DECISIONS, body, format="json")
        ensure_projected(matched.name.path)
        found = answer.json()
        return {"status": answer.status_code, **found.get("results", [found])[0]}

    return post


@pytest.fixture
def undo(matched, reviewer):
    """Undo a decision and return the answer."""

    def post(decision):
        answer = reviewer.post(f"{DECISIONS}{decision}/undo/", {}, format="json")
        ensure_projected(matched.name.path)
        return answer

    return post


def seen(matched, reviewed):
    """Return what readers see of the groups: who is where, counts, a cover, whose they are."""
    run = reviewed.run
    return reviewed.projection(), get_cluster(run, matched.ada).covers[0], matched.owners(run)


def groups(reviewed):
    return {frozenset(faces) for faces in reviewed.people().values()}


def asked(what, matched, reviewed):
    ada, bob, eve = matched.ada, matched.bob, matched.eve
    shown = get_cluster(reviewed.run, ada).covers[0]  # a cover that left gives way to another
    face = [one for file in ("p0.png", "p1.png") if (one := reviewed.face(file)) != shown][:1]
    return {
        "confirm": {"faces": face, "cluster": ada},
        "reject": {"faces": face, "cluster": ada},
        "move": {"faces": face, "to": eve},
        "move to new": {"faces": face, "to": "new"},
        "move to noise": {"faces": face, "to": "noise"},
        "move to a person": {"faces": face, "user_id": "bob"},
        "split": {"faces": face, "cluster": ada},
        "merge": {"cluster": bob, "other": eve},
        "not_same": {"cluster": ada, "other": bob},
        "not_a_face": {"faces": face},
        "ignore": {"faces": face},
        "choose_cover": {"faces": face, "cluster": ada},
        "choose_profile": {"cluster": eve, "user_id": "bob"},
        "confirm_profile": {"cluster": ada, "user_id": "ada"},
        "reject_profile": {"cluster": ada, "user_id": "ada"},
        "allow_twice": {"faces": [reviewed.face("p0.png", 0), reviewed.face("p0.png", 1)]},
    }[what]


KINDS = [
    *("confirm", "reject", "move", "move to new", "move to noise", "move to a person", "split"),
    *("merge", "not_same", "not_a_face", "ignore", "choose_cover", "choose_profile"),
    *("confirm_profile", "reject_profile", "allow_twice"),
]


@pytest.mark.parametrize("what", KINDS)
def test_undo_of_each_kind_leaves_what_readers_saw(decide, undo, matched, reviewed, what):
    before, grouped = seen(matched, reviewed), groups(reviewed)

    made = decide(kind=what.partition(" ")[0], **asked(what, matched, reviewed))
    assert made["status"] == 201, made
    answer = undo(made["decision"]["id"])

    assert answer.status_code == 201, answer.json()
    assert seen(matched, reviewed) == before
    matched.run(full=True)
    assert groups(reviewed) == grouped


def test_covers_that_were_chosen_one_after_the_other_are_undone_one_after_the_other(
    decide, undo, matched, reviewed
):
    def cover():
        return get_cluster(reviewed.run, matched.ada).covers[0]

    first = cover()
    others = [reviewed.face(f"p{number}.png") for number in range(3)]
    others.remove(first)
    made = [
        decide(kind="choose_cover", faces=[face], cluster=matched.ada)["decision"]["id"]
        for face in others
    ]
    assert cover() == others[1]

    undone = undo(made[1]).json()["id"]
    assert cover() == others[0]
    undo(undone)
    assert cover() == others[1]
    undo(made[0])
    assert cover() == others[1]
    undo(made[1])

    assert cover() == first
    matched.run(full=True)
    assert get_cluster(reviewed.run, reviewed.label("p0.png")).covers[0] == first


def test_an_undo_that_lets_a_contradiction_count_again_is_refused_with_its_chain(
    decide, undo, matched, reviewed
):
    apart = decide(kind="not_same", cluster=matched.ada, other=matched.bob)["decision"]["id"]
    undone = undo(apart).json()["id"]
    merged = decide(kind="merge", cluster=matched.ada, other=matched.bob)["decision"]["id"]
    before = seen(matched, reviewed)

    answer = undo(undone)

    assert (answer.status_code, answer.json()["code"]) == (409, "contradiction")
    assert answer.json()["chain"] == [merged]
    assert seen(matched, reviewed) == before


def test_what_was_split_is_merged_again_after_the_undo_of_the_split_alone(
    decide, undo, matched, reviewed
):
    face = [reviewed.face("p0.png")]
    split = decide(kind="split", faces=face, cluster=matched.ada)["decision"]
    new = reviewed.label("p0.png")

    refused = decide(kind="merge", cluster=matched.ada, other=new)
    assert (refused["status"], refused["code"]) == (409, "contradiction")
    assert refused["chain"] == [split["id"]]

    undo(split["id"])
    again = decide(kind="move", faces=face, to="new")
    merged = decide(kind="merge", cluster=matched.ada, other=reviewed.label("p0.png"))
    assert (again["status"], merged["status"]) == (201, 201)
    assert reviewed.label("p0.png") == matched.ada
