"""JSON bodies over REST: ambiguous input is rejected with a sentence."""

import json

import pytest

from tests.callers import key_client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"name": "a", "name": "b", "role": "viewer"}', "'name' more than once"),
        (b'{"name": {"a": 1, "a": 1}, "role": "viewer"}', "'a' more than once"),
        (b'{"name": NaN}', "NaN is no number"),
        (b'{"name": -Infinity}', "-Infinity is no number"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"\xff\xfe{}", "no JSON in UTF-8"),
        (b"{", "no JSON"),
        (b'{"name": ' + b"9" * 5000 + b"}", "no JSON"),
    ],
    ids=[
        "twice",
        "twice-inside",
        "nan",
        "inf",
        "arrays",
        "objects",
        "bytes",
        "cut",
        "big",
    ],
)
def test_an_unclear_body_is_refused(body, said):
    answer = key_client("admin").generic(
        "POST", "/api/v1/keys/", body, content_type="application/json"
    )

    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "parse_error"
    assert said in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 500


def test_a_clear_body_is_read():
    body = json.dumps({"name": "ünï", "role": "viewer"})

    answer = key_client("admin").generic(
        "POST", "/api/v1/keys/", body, content_type="application/json; charset=utf-8"
    )

    assert (answer.status_code, answer.json()["name"]) == (201, "ünï")
