"""The same collection in an S3 bucket and in a folder: the same faces."""

import shutil

import boto3
import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

PERSON = "Ariel_Sharon"


def test_s3_and_a_folder_give_the_same_face_ids(s3_server, model_files, tmp_path):
    source = FACES / "lfw10" / PERSON
    shutil.copytree(source, tmp_path / "buckets" / "faces" / "lfw10" / PERSON)
    s3 = boto3.client(
        "s3",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
        region_name=s3_server.region,
    )
    s3.create_bucket(Bucket="faces")
    for photo in source.iterdir():
        s3.upload_file(str(photo), "faces", f"lfw10/{PERSON}/{photo.name}")
    credentials = {
        "WASABI_ACCESS_KEY": s3_server.access_key,
        "WASABI_SECRET_KEY": s3_server.secret_key,
        "WASABI_ENDPOINT": s3_server.endpoint,
        "WASABI_REGION": s3_server.region,
    }

    in_folder = face_ids(
        tmp_path / "folder", {"BUCKETS_ROOT": tmp_path / "buckets"}, models=model_files
    )
    in_s3 = face_ids(tmp_path / "s3", credentials, models=model_files)

    assert len(in_folder) >= 10
    assert in_s3 == in_folder


def face_ids(folder, settings, *, models):
    with Product(folder, FACEADMIN_MODELS=models, **settings).up() as product:
        product.cluster("faces/lfw10")
        key = product.key()
        return {
            face
            for label in ("cluster_0", "noise")
            for face in product.get(f"/cluster-details-db/faces/lfw10/{label}", key=key)[1][
                "face_ids"
            ]
        }
