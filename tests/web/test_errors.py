"""An exception's class is its status, and every error has one shape."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions

from storage.errors import Conflict, DiskFull, InvalidName, NoSuchBucket, StoreUnavailable
from vision import EmptyFile, ImageTooLarge, ModelMissing, NotAnImage, UnreadableImage
from web.errors import api_exception_handler, refusal_from
from web.pagination import BadCursor


class Asked:
    path = "/somewhere"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoSuchBucket("No bucket."), 404, "no_such_bucket"),
        (Conflict("It exists."), 409, "conflict"),
        (InvalidName("No name."), 422, "invalid_name"),
        (StoreUnavailable("Away.", store="qdrant"), 503, "store_unavailable"),
        (DiskFull("Full.", store="mongodb"), 503, "disk_full"),
        (OperationalError("connection refused"), 503, "store_unavailable"),
        (NotAnImage("No image."), 415, "not_an_image"),
        (UnreadableImage("Truncated."), 422, "unreadable_image"),
        (EmptyFile("Empty."), 422, "empty_file"),
        (ModelMissing("No model."), 503, "model_missing"),
        (exceptions.ParseError(), 400, "parse_error"),
        (BadCursor(), 400, "bad_cursor"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "bad_key"),
        (exceptions.PermissionDenied(), 403, "forbidden"),
        (PermissionDenied("Not you."), 403, "forbidden"),
        (exceptions.NotFound(), 404, "not_found"),
        (Http404(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=3), 429, "throttled"),
    ],
)
def test_an_exceptions_class_is_its_status(error, status, code):
    refusal = refusal_from(error)

    assert (refusal.status, refusal.code) == (status, code)
    assert refusal.body().keys() >= {"detail", "code"}


def test_an_image_that_is_too_large_is_413_whatever_is_too_large():
    refusal = refusal_from(ImageTooLarge("Too many pixels.", code="too_many_pixels"))

    assert (refusal.status, refusal.code) == (413, "too_many_pixels")


def test_a_store_that_is_away_says_when_to_come_back():
    assert int(refusal_from(StoreUnavailable("Away.")).headers["Retry-After"]) > 0


def test_what_an_exception_adds_is_in_the_body():
    body = refusal_from(Conflict("Active.", clustering_id="abc")).body()

    assert body == {"detail": "Active.", "code": "conflict", "clustering_id": "abc"}


def test_parameters_that_fail_are_422_by_field():
    error = exceptions.ValidationError({"limit": ["Has to be a number."]})

    body = refusal_from(error).body()

    assert body["errors"] == {"limit": ["Has to be a number."]}
    assert "limit: Has to be a number." in body["detail"]


def test_an_unexpected_error_is_a_500_without_the_exception_text(caplog):
    answer = api_exception_handler(RuntimeError("secret of a driver"), {"request": Asked})

    assert answer.status_code == 500
    assert answer.data["code"] == "internal_error"
    assert "secret" not in str(answer.data)
    assert "secret of a driver" in caplog.text
