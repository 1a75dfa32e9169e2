"""The same POST again gets its first answer again."""

import json
import threading
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from rest_framework.response import Response

from tests.callers import key_client
from web import idempotency
from web.models import ApiKey, IdempotentRequest

pytestmark = pytest.mark.django_db

KEYS = "/api/v1/keys/"
BODY = {"name": "nightly", "role": "viewer"}


def post(client, body=None, *, key="once"):
    return client.post(KEYS, body or BODY, format="json", headers={"Idempotency-Key": key})


def test_the_first_answer_is_given_again_and_nothing_is_done_twice(admin):
    before = ApiKey.objects.count()

    first, again = post(admin), post(admin)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["prefix"] == first.json()["prefix"]
    assert again["Idempotent-Replayed"] == "true"
    assert ApiKey.objects.count() == before + 1


def test_a_secret_is_not_kept_with_the_answer(admin):
    secret = post(admin).json()["key"]

    assert post(admin).json()["key"] is None
    assert not IdempotentRequest.objects.filter(body__contains=secret).exists()


def test_another_body_with_the_same_key_is_409(admin):
    post(admin)

    answer = post(admin, {**BODY, "role": "admin"})

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")


def test_keys_belong_to_their_caller(admin, db):
    first = post(admin).json()

    other = post(key_client("admin")).json()

    assert other["prefix"] != first["prefix"]


def test_a_refusal_is_an_answer_too(admin):
    first, again = post(admin, {"name": ""}), post(admin, {"name": ""})

    assert (first.status_code, again.status_code) == (422, 422)
    assert first.json() == again.json()


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "caf\xe9"])
def test_a_key_that_is_none_is_400(admin, key):
    answer = post(admin, key=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_request_at_work_is_409_until_it_is_given_up(admin):
    post(admin)
    IdempotentRequest.objects.update(status=0)

    at_work = post(admin)
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(minutes=16))
    taken_over = post(admin)

    assert (at_work.status_code, at_work.json()["code"]) == (409, "request_in_progress")
    assert taken_over.status_code == 201


def test_after_a_day_a_key_is_free_again(admin):
    first = post(admin).json()
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert post(admin).json()["prefix"] != first["prefix"]


def test_after_a_failure_of_ours_the_request_may_be_repeated(admin):
    post(admin)
    row = IdempotentRequest.objects.get()

    idempotency.Claim(row).keep(Response({"detail": "away"}, status=503))

    assert not IdempotentRequest.objects.exists()


def test_what_names_a_person_can_be_forgotten(admin):
    post(admin, {"name": "ada", "role": "viewer"})

    assert idempotency.forget_answers("ad") == 0
    assert idempotency.forget_answers("ada") == 1
    assert not IdempotentRequest.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("ada has a profile already.", True),
        ("This is ada.", True),
        ("faces/ada/1.jpg", True),
        ("ada.b", False),
        ("ada@home", False),
        ("x.ada", False),
        ("ada_2, adab and Ada", False),
    ],
)
def test_an_id_is_found_by_itself_within_a_sentence(text, is_named):
    row = {"caller": "1", "key": "k", "fingerprint": "f", "created_at": timezone.now()}
    IdempotentRequest.objects.create(
        **row, path="/x", status=409, body=json.dumps({"detail": text})
    )

    assert idempotency.forget_answers("ada") == is_named


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_is_done():
    admin = key_client("admin")
    before, start, answers = ApiKey.objects.count(), threading.Barrier(4), []

    def ask():
        start.wait()
        answers.append(post(admin).status_code)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ApiKey.objects.count() == before + 1
    assert set(answers) <= {201, 409}
    assert 201 in answers


def test_keys_from_before_the_hashes_are_still_recognised(admin):
    first = post(admin)
    IdempotentRequest.objects.update(key="once")  # as earlier versions stored it

    migration = import_module("web.migrations.0003_hash_idempotency_keys")
    migration.hash_keys(apps, None)

    assert post(admin).json()["prefix"] == first.json()["prefix"]
    assert not IdempotentRequest.objects.filter(key="once").exists()
