"""Decisions over REST: what is answered, who may, and what is refused without a trace."""

import threading

import pytest
from django.db import connection

from clustering.decisions.documents import Decision
from clustering.documents import Member
from clustering.services import ensure_projected
from tests.assignments.conftest import stored
from tests.callers import key_client
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

DECISIONS = "/api/v1/decisions/"
UNKNOWN_FACE = "00000000-0000-5000-8000-000000000000"


@pytest.fixture
def reviewed(matched):
    return Reviewed(matched)


@pytest.fixture
def decide(matched, reviewer):
    """Post decisions about the collection."""

    def post(*decisions, client=reviewer, **other):
        body = {"collection": matched.name.path, "decisions": list(decisions), **other}
        headers = {"HTTP_IDEMPOTENCY_KEY": other.pop("key")} if "key" in other else {}
        body.pop("key", None)
        answer = client.post(DECISIONS, body, format="json", **headers)
        ensure_projected(matched.name.path)
        return answer

    return post


def traces(matched):
    """Return everything that a decision could have written."""
    members = {one.id: (one.cluster, one.sort_key) for one in Member.objects}
    return Decision.objects.count(), members, stored()


def reject(reviewed, matched, file="p0.png", **more):
    return {
        "kind": "reject",
        "faces": [reviewed.face(file)],
        "cluster": matched.ada,
        **more,
    }


def test_a_decision_is_answered_with_what_it_did(decide, matched, reviewed):
    answer = decide(reject(reviewed, matched, seen={"threshold": 0.65, "candidates": ["bob"]}))

    [result] = answer.json()["results"]
    decision = result["decision"]
    assert (answer.status_code, result["status"], answer.json()["made"]) == (201, 201, 1)
    assert (decision["kind"], decision["number"], decision["moved"]) == ("reject", 1, 1)
    assert decision["by"] not in ("", "machine")
    assert reviewed.label("p0.png") == "noise"
    assert Decision.objects.first().seen["candidates"] == ["bob"]


def test_of_many_each_has_its_own_result(decide, matched, reviewed):
    answer = decide(
        reject(reviewed, matched),
        reject(reviewed, matched),
        {"kind": "merge", "cluster": matched.bob, "other": matched.bob},
        {"kind": "confirm", "faces": [reviewed.face("p1.png")], "cluster": matched.ada},
    )

    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [one["status"] for one in results] == [201, 409, 422, 201]
    assert [one.get("code") for one in results] == [None, "stale", "same_cluster", None]
    assert results[1]["changed"] == [{"id": results[0]["decision"]["id"], "kind": "reject"}]
    assert (answer.json()["made"], answer.json()["refused"]) == (2, 2)


def test_a_dry_run_tells_and_writes_nothing(decide, matched, reviewed):
    before = traces(matched)

    answer = decide({"kind": "merge", "cluster": matched.ada, "other": matched.bob}, dry_run=True)

    assert (answer.status_code, answer.json()["dry_run"]) == (200, True)
    assert answer.json()["results"][0]["decision"]["moved"] == 2
    assert traces(matched) == before


def test_a_stale_version_is_refused_with_what_changed(decide, matched, reviewed):
    face = reviewed.face("p0.png")
    first = decide(reject(reviewed, matched, versions={face: 0})).json()["results"][0]["decision"]
    before = traces(matched)

    answer = decide({"kind": "move", "faces": [face], "to": matched.bob, "versions": {face: 0}})

    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert answer.json()["changed"] == [{"id": first["id"], "kind": "reject"}]
    assert traces(matched) == before


def test_a_contradiction_is_refused_with_its_chain(decide, matched, reviewed):
    ada, bob, eve = matched.ada, matched.bob, matched.eve
    decide({"kind": "not_same", "cluster": ada, "other": eve})
    decide({"kind": "merge", "cluster": bob, "other": eve})
    before = traces(matched)

    answer = decide({"kind": "merge", "cluster": ada, "other": bob})

    assert (answer.status_code, answer.json()["code"]) == (409, "contradiction")
    assert sorted(answer.json()["chain"]) == sorted(one.id for one in Decision.objects)
    assert traces(matched) == before


def test_a_repeated_request_decides_once(decide, matched, reviewed):
    asked = {"kind": "move", "faces": [reviewed.face("p0.png")], "to": "new"}

    first, again = decide(asked, key="once"), decide(asked, key="once")

    assert first.json() == again.json()
    assert Decision.objects.count() == 1


def test_undo_of_an_undo_of_an_undo(decide, matched, reviewed, reviewer):
    made = decide({"kind": "merge", "cluster": matched.ada, "other": matched.bob}).json()
    merged, apart = reviewed.people(), None
    undone = made["results"][0]["decision"]["id"]
    for number in range(3):
        answer = reviewer.post(f"{DECISIONS}{undone}/undo/", {}, format="json")
        assert answer.status_code == 201, answer.json()
        ensure_projected(matched.name.path)
        undone = answer.json()["id"]
        people = reviewed.people()
        apart = people if number == 0 else apart
        assert people == (merged if number == 1 else apart)
    assert len(merged) < len(apart)


def test_what_was_undone_already_is_not_undone_again(decide, matched, reviewed, reviewer):
    made = decide(reject(reviewed, matched)).json()["results"][0]["decision"]["id"]
    reviewer.post(f"{DECISIONS}{made}/undo/", {}, format="json")

    answer = reviewer.post(f"{DECISIONS}{made}/undo/", {}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_undoable")
    assert reviewer.get(f"{DECISIONS}{made}/").json()["is_undone"] is True


def test_an_undo_that_later_decisions_stand_against_names_them(decide, matched, reviewed, reviewer):
    first = decide(reject(reviewed, matched)).json()["results"][0]["decision"]["id"]
    later = decide({"kind": "move", "faces": [reviewed.face("p0.png")], "to": matched.eve}).json()

    answer = reviewer.post(f"{DECISIONS}{first}/undo/", {}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_undoable")
    assert answer.json()["later"] == [later["results"][0]["decision"]["id"]]


def test_the_activity_is_newest_first_paged_and_filtered(decide, matched, reviewed, viewer):
    for file in ("p0.png", "p1.png", "p2.png"):
        decide({"kind": "confirm", "faces": [reviewed.face(file)], "cluster": matched.ada})
    decide({"kind": "move", "faces": [reviewed.face("p2.png")], "to": "noise"})
    asked = {"collection": matched.name.path, "limit": 3}

    page = viewer.get("/api/v1/activity/", asked).json()
    rest = viewer.get("/api/v1/activity/", {**asked, "cursor": page["next"]}).json()
    moves = viewer.get("/api/v1/activity/", {**asked, "kind": "move"}).json()

    numbers = [one["number"] for one in page["decisions"] + rest["decisions"]]
    assert (numbers, rest["next"]) == ([4, 3, 2, 1], None)
    assert [one["kind"] for one in moves["decisions"]] == ["move"]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("reviewer", 201), ("admin", 201)])
def test_who_may_decide(decide, matched, reviewed, role, status):
    before = traces(matched)

    answer = decide(reject(reviewed, matched), client=key_client(role))

    assert answer.status_code == status
    assert (traces(matched) == before) == (status == 403)


def test_strangers_learn_nothing(client):
    for path in (DECISIONS, f"{DECISIONS}abc/", "/api/v1/activity/?collection=a/b"):
        assert client.get(path).status_code == 401
    assert client.post(f"{DECISIONS}abc/undo/").status_code == 401


@pytest.mark.parametrize(
    ("decision", "status", "code"),
    [
        ({"kind": "reject", "faces": [], "cluster": "ADA"}, 422, "incomplete_decision"),
        ({"kind": "reject", "faces": ["FACE"]}, 422, "incomplete_decision"),
        ({"kind": "reject", "faces": ["FACE"], "cluster": "noise"}, 422, "incomplete_decision"),
        ({"kind": "reject", "faces": ["FACE"], "cluster": "cluster_77"}, 404, "no_such_cluster"),
        ({"kind": "reject", "faces": ["FACE"], "cluster": "BOB"}, 409, "stale"),
        ({"kind": "reject", "faces": [UNKNOWN_FACE], "cluster": "ADA"}, 404, "no_such_face"),
        ({"kind": "merge", "cluster": "ADA", "other": "ADA"}, 422, "same_cluster"),
        ({"kind": "merge", "cluster": "ADA"}, 422, "incomplete_decision"),
        ({"kind": "move", "faces": ["FACE"]}, 422, "incomplete_decision"),
        ({"kind": "move", "faces": ["FACE"], "user_id": "nobody"}, 404, "no_such_profile"),
        ({"kind": "restore", "faces": ["FACE"]}, 422, "incomplete_decision"),
        ({"kind": "choose_profile", "cluster": "ADA"}, 422, "incomplete_decision"),
        ({"kind": "choose_profile", "cluster": "ADA", "user_id": "x"}, 404, "no_such_profile"),
        ({"kind": "allow_twice", "faces": ["FACE"]}, 422, "incomplete_decision"),
        ({"kind": "choose_cover", "faces": [], "cluster": "ADA"}, 422, "incomplete_decision"),
        ({"kind": "undo", "faces": ["FACE"]}, 422, "invalid"),
        ({"kind": "nonsense"}, 422, "invalid"),
        ({"faces": ["FACE"]}, 422, "invalid"),
        ({"kind": "reject", "faces": "FACE", "cluster": "ADA"}, 422, "invalid"),
        ({"kind": "reject", "faces": ["FACE"] * 20_001, "cluster": "ADA"}, 422, "invalid"),
        ({"kind": "reject", "faces": ["a\x00b"], "cluster": "ADA"}, 422, "invalid"),
        ({"kind": "reject", "faces": ["FACE"], "cluster": "A" * 41}, 422, "invalid"),
        ({"kind": "reject", "faces": ["FACE"], "versions": {"FACE": 2**63}}, 422, "invalid"),
        ({"kind": "reject", "faces": ["FACE"], "versions": {"FACE": -1}}, 422, "invalid"),
        ({"kind": "reject", "faces": ["FACE"], "versions": {"FACE": "x"}}, 422, "invalid"),
        ({"kind": "reject", "faces": ["FACE"], "seen": [1]}, 422, "invalid"),
        ({"kind": "reject", "faces": ["FACE"], "seen": {"a": "x" * 10_001}}, 422, "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_trace(
    decide, matched, reviewed, decision, status, code
):
    words = {"ADA": matched.ada, "BOB": matched.bob, "FACE": reviewed.face("p0.png")}
    before = traces(matched)

    answer = decide(_spoken(decision, words))

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
    assert traces(matched) == before


@pytest.mark.parametrize("name", ["$where", "a.b", "", "ünï", "x" * 200])
def test_what_was_on_the_screen_may_have_any_names(decide, matched, reviewed, name):
    answer = decide(reject(reviewed, matched, seen={name: {name: [1, None, True]}}))

    assert answer.status_code == 201, answer.json()
    assert Decision.objects.first().seen[name][name] == [1, None, True]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"collection": "a/b", "decisions": []}, 422),
        ({"collection": "a/b", "decisions": [{"kind": "merge"}] * 501}, 422),
        ({"collection": "no/where", "decisions": [{"kind": "merge"}]}, 404),
        ({"collection": "../x", "decisions": [{"kind": "merge"}]}, 422),
        ({"collection": "x" * 2000, "decisions": [{"kind": "merge"}]}, 422),
        ({"collection": "a/b", "decisions": "merge"}, 422),
        ({"collection": "a/b", "decisions": [7]}, 422),
        ([], 422),
        ("x", 422),
    ],
)
def test_a_body_that_is_none_is_refused(stores, reviewer, body, status):
    answer = reviewer.post(DECISIONS, body, format="json")

    assert answer.status_code == status, answer.json()


@pytest.mark.parametrize("decision", ["x", "0" * 24, "ü", "a" * 300])
def test_an_unknown_decision_is_404(stores, reviewer, decision):
    assert reviewer.get(f"{DECISIONS}{decision}/").status_code == 404
    assert reviewer.post(f"{DECISIONS}{decision}/undo/", {}, format="json").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told(decide, matched, reviewed):
    face, start, answers = reviewed.face("p0.png"), threading.Barrier(2), []
    clients = [key_client("reviewer"), key_client("reviewer")]

    def ask(client, to):
        start.wait()
        asked = {"kind": "move", "faces": [face], "to": to, "versions": {face: 0}}
        answers.append(decide(asked, client=client).status_code)
        connection.close()

    threads = [
        threading.Thread(target=ask, args=pair)
        for pair in zip(clients, (matched.bob, matched.eve), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [201, 409]
    assert Decision.objects.count() == 1


def _spoken(value, words):
    """Return a value with words in the place of names."""
    if isinstance(value, dict):
        return {_spoken(name, words): _spoken(one, words) for name, one in value.items()}
    if isinstance(value, list):
        return [_spoken(one, words) for one in value]
    return words.get(value, value) if isinstance(value, str) else value
