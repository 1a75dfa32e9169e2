"""An empty collection of documents; where buckets are: folders, and S3 over HTTP."""

import boto3
import pytest

from tests.storage.things import Thing


class Folder:
    """Writes objects to a local bucket."""

    def __init__(self, settings, root):
        self.root = root
        settings.WASABI_ACCESS_KEY = settings.WASABI_SECRET_KEY = ""
        settings.BUCKETS_ROOT = root

    def make(self, bucket):
        (self.root / bucket).mkdir(parents=True)

    def put(self, bucket, key, content=b"x"):
        path = self.root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def remove(self, bucket, key):
        (self.root / bucket / key).unlink()


class S3:
    """Writes objects to an S3 bucket."""

    def __init__(self, server):
        self.client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name=server.region,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
        )

    def make(self, bucket):
        self.client.create_bucket(Bucket=bucket)

    def put(self, bucket, key, content=b"x"):
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def remove(self, bucket, key):
        self.client.delete_object(Bucket=bucket, Key=key)


@pytest.fixture
def folder(settings, tmp_path):
    return Folder(settings, tmp_path / "buckets")


@pytest.fixture
def s3(s3_settings):
    return S3(s3_settings)


@pytest.fixture
def things(mongodb):
    """The driver's view of an empty collection with its indexes."""
    Thing.ensure_indexes()
    return Thing._get_collection()
