"""Storage of reference photos: a folder, or a prefix in the bucket of the crops."""

import uuid

import boto3
import pytest

from faceadmin import settings as project
from storage.pictures import face_crop_store, reference_photo_store


def test_photos_and_crops_of_one_id_are_two_files(people):
    people.stores.photos.save("abcd-1", b"photo")
    people.stores.crops.save("abcd-1", b"crop")

    people.stores.photos.delete(["abcd-1"])

    assert people.stores.crops.read("abcd-1") == b"crop"
    assert people.stores.photos.missing(["abcd-1"]) == ["abcd-1"]


def test_the_settings_name_a_folder_in_the_data():
    references = project.STORAGES["references"]

    assert references["OPTIONS"]["location"] == project.DATA / "references"


@pytest.mark.services
def test_a_bucket_keeps_photos_under_references(settings, s3_server):
    client = boto3.client(
        "s3",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
        region_name=s3_server.region,
    )
    bucket = f"pictures-{uuid.uuid4().hex[:8]}"
    client.create_bucket(Bucket=bucket)
    options = {
        "bucket_name": bucket,
        "access_key": s3_server.access_key,
        "secret_key": s3_server.secret_key,
        "endpoint_url": s3_server.endpoint,
        "region_name": s3_server.region,
    }
    backend = "storage.picture_bucket.PictureBucket"
    settings.STORAGES = {
        **settings.STORAGES,
        "crops": {"BACKEND": backend, "OPTIONS": options},
        "references": {"BACKEND": backend, "OPTIONS": {**options, "location": "references"}},
    }
    photos, crops = reference_photo_store(), face_crop_store()

    photos.save("abcd-1", b"photo")
    crops.save("abcd-1", b"crop")

    listed = client.list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in listed] == ["ab/cd/abcd-1.jpg", "references/ab/cd/abcd-1.photo"]
    assert photos.read("abcd-1") == b"photo"
    assert (photos.missing(["abcd-1"]), crops.missing(["abcd-1"])) == ([], [])
    photos.delete(["abcd-1"])
    assert (photos.missing(["abcd-1"]), crops.missing(["abcd-1"])) == (["abcd-1"], [])
