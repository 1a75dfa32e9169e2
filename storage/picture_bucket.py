"""Face crops in an S3 bucket, with the same client configuration as the buckets of photos."""

from __future__ import annotations

import os
import threading
from typing import Any

from botocore.exceptions import ClientError
from storages.backends.s3 import S3Storage

from storage.buckets.s3 import client_for, s3_config


class PictureBucket(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """django-storages with the timeouts and checksums of ``s3_config``; safe after a fork."""

    def __init__(self, **options: Any) -> None:
        config = s3_config(options.get("endpoint_url"))
        super().__init__(client_config=config, file_overwrite=True, default_acl=None, **options)
        self._process = os.getpid()

    @property
    def connection(self) -> Any:
        """Return the connection of this thread and process."""
        if self._process != os.getpid():
            self._connections = threading.local()
            self._bucket = None
            self._process = os.getpid()
        return super().connection

    def exists(self, name: str) -> bool:
        """Say whether a crop exists; uses a client shared by threads."""
        try:
            self._client().head_object(Bucket=self.bucket_name, Key=self._key(name))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def delete(self, name: str) -> None:
        """Remove a crop; a missing one is ignored."""
        self._client().delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def _key(self, name: str) -> str:
        return str(self._normalize_name(name))

    def _client(self) -> Any:
        return client_for(
            self.endpoint_url, self.region_name, self.access_key, self.secret_key, os.getpid()
        )
