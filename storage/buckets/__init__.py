"""Buckets of photos: local folders, or buckets of an S3-compatible service. Read-only.

Both kinds list full keys, in any order: `sorted_by_key` puts them in order. Both refuse with the
same errors. Nothing here writes to a bucket.
"""

from __future__ import annotations

from django.conf import settings

from storage.buckets.folder import LocalBucket, list_folder_names
from storage.buckets.listing import Bucket, BucketObject
from storage.buckets.sorted_listing import sorted_by_key
from storage.names import check_bucket_name

__all__ = [
    "Bucket",
    "BucketObject",
    "LocalBucket",
    "list_bucket_names",
    "open_bucket",
    "sorted_by_key",
]


def open_bucket(name: str) -> Bucket:
    """Return the bucket with this name, local or S3 by the settings, without accessing it."""
    check_bucket_name(name)
    if not settings.WASABI_ACCESS_KEY:
        return LocalBucket(settings.BUCKETS_ROOT, name)
    from storage.buckets.s3 import S3Bucket, s3_client  # boto3 takes 0.2 s to import

    return S3Bucket(name, client=s3_client())


def list_bucket_names() -> list[str]:
    """Return the names of all buckets."""
    if not settings.WASABI_ACCESS_KEY:
        return list_folder_names(settings.BUCKETS_ROOT)
    from storage.buckets.s3 import list_s3_bucket_names, s3_client

    return list_s3_bucket_names(s3_client())
