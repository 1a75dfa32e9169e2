"""S3 over HTTP: five thousand keys, and a sentence for every refusal."""

import socket
import threading

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from storage.buckets import list_bucket_names, open_bucket
from storage.errors import (
    CredentialsRefused,
    NoSuchBucket,
    ObjectArchived,
    ObjectTooLarge,
    ObjectUnreadable,
    ObjectVanished,
    StorageError,
    StoreUnavailable,
)
from tests.storage.conftest import S3

pytestmark = pytest.mark.services


def keys(bucket, *arguments, **named):
    return [item.key for item in bucket.iter_objects(*arguments, **named)]


@pytest.fixture(scope="module")
def five_thousand(s3_server):
    place = S3(s3_server)
    place.make("five-thousand")
    expected = [f"sub/{index // 100:02d} x/é {index:04d}.jpg" for index in range(4995)]
    expected += ["../up.jpg", "/leading/slash.jpg", "a/../b.jpg", "a//b.jpg", "sub-x.jpg"]
    # Straight into the service, which runs in this process: over HTTP it takes half a minute.
    inside = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for key in (*expected, "sub/folder/"):
        inside.put_object("five-thousand", key, b"")
    return sorted(expected, key=str.encode)


def test_five_thousand_keys_are_listed(s3, five_thousand):
    bucket = open_bucket("five-thousand")

    assert keys(bucket) == five_thousand
    assert len(keys(bucket, "sub/")) == 4995


@pytest.mark.parametrize("key", ["../up.jpg", "/leading/slash.jpg", "a/../b.jpg", "a//b.jpg"])
def test_odd_keys_of_s3_are_read_or_counted(s3, five_thousand, key):
    try:
        assert open_bucket("five-thousand").read(key, max_bytes=10) == b""
    except (ObjectVanished, ObjectUnreadable) as refusal:
        assert key in str(refusal)  # noqa: PT017  # either will do


def test_s3_errors_have_one_sentence_each(settings, s3):
    settings.WASABI_ENDPOINT = "http://127.0.0.1:1"
    with pytest.raises(StoreUnavailable, match="WASABI_ENDPOINT"):
        open_bucket("b").check()
    with pytest.raises(StoreUnavailable):
        list_bucket_names()

    settings.WASABI_ENDPOINT = "no address"
    with pytest.raises(StoreUnavailable, match="is no address"):
        open_bucket("b")


def answering(response):
    """Serve one fixed HTTP response to every request; return the endpoint."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(response)

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def refusing(status, code):
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize(
    ("status", "code", "listing", "reading"),
    [
        (403, "InvalidAccessKeyId", CredentialsRefused, CredentialsRefused),
        (403, "SignatureDoesNotMatch", CredentialsRefused, CredentialsRefused),
        (403, "AccessDenied", CredentialsRefused, ObjectUnreadable),
        (403, "InvalidObjectState", StoreUnavailable, ObjectArchived),
        (403, "ExpiredToken", CredentialsRefused, CredentialsRefused),
        (403, "AllAccessDisabled", CredentialsRefused, CredentialsRefused),
        (403, "RequestTimeTooSkewed", StoreUnavailable, StoreUnavailable),
        (400, "AuthorizationHeaderMalformed", StoreUnavailable, StoreUnavailable),
        (400, "InvalidRequest", StoreUnavailable, ObjectUnreadable),
        (400, "IllegalLocationConstraintException", StoreUnavailable, StoreUnavailable),
        (404, "NoSuchBucket", NoSuchBucket, NoSuchBucket),
        (404, "NoSuchKey", NoSuchBucket, ObjectVanished),
        (501, "NotImplemented", StoreUnavailable, StoreUnavailable),
    ],
)
def test_every_answer_of_s3_has_its_own_error(settings, s3, status, code, listing, reading):
    listener, settings.WASABI_ENDPOINT = answering(refusing(status, code))
    bucket = open_bucket("some-bucket")

    with listener:
        with pytest.raises(listing) as refusal:
            keys(bucket)
        assert type(refusal.value) is listing
        assert str(refusal.value).endswith(".")
        with pytest.raises(listing):
            bucket.is_empty("sub/")
        with pytest.raises(reading) as refusal:
            bucket.read("a.jpg", max_bytes=10)
        assert type(refusal.value) is reading
        assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "RequestTimeTooSkewed", "clock"),
        (400, "AuthorizationHeaderMalformed", "WASABI_REGION"),
        (403, "InvalidObjectState", "archived"),
        (403, "AccessDenied", "may not be read"),
    ],
)
def test_a_refusal_says_what_to_do(settings, s3, status, code, said):
    listener, settings.WASABI_ENDPOINT = answering(refusing(status, code))

    with listener, pytest.raises(StorageError, match=said):
        open_bucket("some-bucket").read("a.jpg", max_bytes=10)


def test_a_body_that_breaks_off_is_never_taken_for_the_whole(settings, s3):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"
    listener, settings.WASABI_ENDPOINT = answering(head + b"x" * 500)

    with listener, pytest.raises(StoreUnavailable):
        open_bucket("some-bucket").read("a.jpg", max_bytes=2000)


def test_a_body_above_the_limit_is_not_read(settings, s3):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n"
    listener, settings.WASABI_ENDPOINT = answering(head)

    with listener, pytest.raises(ObjectTooLarge):
        open_bucket("some-bucket").read("a.jpg", max_bytes=2000)
