"""Crops: whole or absent, in a folder and on S3."""

import errno
import os
import subprocess
import sys
import uuid

import boto3
import pytest

from storage.errors import (
    CredentialsRefused,
    DiskFull,
    InvalidName,
    ObjectVanished,
    StoreUnavailable,
)
from storage.pictures import PictureFolder, PictureStore, face_crop_store, picture_name
from tests.stores import CHECKOUT


def s3_crops(s3_server, bucket, **other):
    options = {
        "bucket_name": bucket,
        "access_key": s3_server.access_key,
        "secret_key": s3_server.secret_key,
        "endpoint_url": s3_server.endpoint,
        "region_name": s3_server.region,
        **other,
    }
    return {"BACKEND": "storage.picture_bucket.PictureBucket", "OPTIONS": options}


@pytest.fixture
def s3_bucket(s3_server):
    client = boto3.client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name=s3_server.region,
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )
    name = f"crops-{uuid.uuid4().hex[:8]}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.services)])
def crops(request, settings, tmp_path):
    if request.param == "folder":
        options = {"location": tmp_path / "crops"}
        backend = {"BACKEND": "storage.pictures.PictureFolder", "OPTIONS": options}
    else:
        bucket = request.getfixturevalue("s3_bucket")
        backend = s3_crops(request.getfixturevalue("s3_server"), bucket)
    settings.STORAGES = {**settings.STORAGES, "crops": backend}
    return face_crop_store()


def new_ids(count):
    return [str(uuid.uuid4()) for _ in range(count)]


def test_a_crop_comes_back_as_it_went_in(crops):
    [face_id] = new_ids(1)

    crops.save(face_id, b"\xff\xd8 one")

    assert crops.read(face_id) == b"\xff\xd8 one"


def test_saving_again_replaces_under_the_same_name(crops):
    [face_id] = new_ids(1)

    crops.save(face_id, b"a longer first one")
    crops.save(face_id, b"second")

    assert crops.read(face_id) == b"second"


def test_missing_names_those_without_a_crop_in_order(crops):
    ids = new_ids(40)
    for face_id in ids[::2]:
        crops.save(face_id, b"x")

    assert crops.missing(ids) == ids[1::2]
    assert crops.missing([]) == []


def test_deleting_twice_is_as_good_as_once(crops):
    ids = new_ids(20)
    crops.save(ids[0], b"x")

    for _ in range(2):
        crops.delete(ids)

    assert crops.missing(ids) == ids


def test_a_crop_that_is_gone_is_named(crops):
    with pytest.raises(ObjectVanished):
        crops.read(new_ids(1)[0])


@pytest.mark.parametrize(
    "odd", ["", "..", "../../etc/passwd", "a/b/c/d", "abcd\0", "ab.jpg", "abc"]
)
def test_an_odd_id_is_refused(crops, odd):
    for action in (crops.read, lambda one: crops.save(one, b""), lambda one: crops.delete([one])):
        with pytest.raises(InvalidName):
            action(odd)


def test_crops_are_spread_over_folders():
    assert picture_name("0123abcd-0000") == "01/23/0123abcd-0000.jpg"


def test_a_failed_write_leaves_the_old_crop_and_no_scrap(tmp_path, monkeypatch):
    crops = PictureStore(PictureFolder(location=tmp_path))
    [face_id] = new_ids(1)
    crops.save(face_id, b"old")

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull) as refusal:
        crops.save(face_id, b"new")

    assert refusal.value.store == "crops"
    assert crops.read(face_id) == b"old"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


WRITER = """
import sys
from django.conf import settings
settings.configure()
from storage.pictures import PictureFolder, PictureStore
crops = PictureStore(PictureFolder(location=sys.argv[1]))
print(flush=True)
while True:
    for index in range(20):
        crops.save(f"0000-{index:04d}", b"\\xff\\xd8" + b"x" * 200_000 + b"\\xff\\xd9")
"""


def test_sigkill_leaves_no_half_crop_under_a_face_s_name(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]

    for _ in range(3):
        with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            while not any(tmp_path.rglob("*.jpg")):
                assert writer.poll() is None
            writer.kill()

    kept = list(tmp_path.rglob("*.jpg"))
    assert kept
    assert {path.stat().st_size for path in kept} == {200_004}


@pytest.mark.services
def test_an_s3_service_that_is_away_is_named(settings, s3_server):
    away = s3_crops(s3_server, "b", endpoint_url="http://127.0.0.1:1")
    settings.STORAGES = {**settings.STORAGES, "crops": away}

    with pytest.raises(StoreUnavailable) as refusal:
        face_crop_store().read(new_ids(1)[0])
    assert refusal.value.store == "crops"


@pytest.mark.services
def test_a_crop_bucket_that_is_not_there_is_named(settings, s3_server):
    absent = s3_crops(s3_server, "no-such-bucket")
    settings.STORAGES = {**settings.STORAGES, "crops": absent}

    with pytest.raises((StoreUnavailable, CredentialsRefused)) as refusal:
        face_crop_store().save(new_ids(1)[0], b"x")
    assert refusal.value.store == "crops"
