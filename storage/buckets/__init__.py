"""Buckets of photos: folders on this machine, or buckets of an S3-compatible service.

Both kinds list full keys in the byte order of their UTF-8 form, so that a run may stop and go on
anywhere, and both refuse with the same errors. Nothing here writes.
"""

from __future__ import annotations

from django.conf import settings

from storage.buckets.folder import LocalBucket, folder_names
from storage.buckets.listing import Bucket, BucketObject
from storage.names import bucket_name_check

__all__ = ["Bucket", "BucketObject", "LocalBucket", "bucket_names", "open_bucket"]


def open_bucket(name: str) -> Bucket:
    """Return the bucket of this name where the settings say that buckets are; ask nothing yet."""
    bucket_name_check(name)
    if not settings.WASABI_ACCESS_KEY:
        return LocalBucket(settings.BUCKETS_ROOT, name)
    from storage.buckets.s3 import S3Bucket, s3_client  # boto3 takes 0.2 s to import

    return S3Bucket(name, client=s3_client())


def bucket_names() -> list[str]:
    """Return the names of the buckets there are."""
    if not settings.WASABI_ACCESS_KEY:
        return folder_names(settings.BUCKETS_ROOT)
    from storage.buckets.s3 import s3_bucket_names, s3_client

    return s3_bucket_names(s3_client())
