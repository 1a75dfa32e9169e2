"""Face crops in an S3 bucket, asked with the same care as the buckets of photos."""

from __future__ import annotations

import os
import threading
from typing import Any

from storages.backends.s3 import S3Storage

from storage.buckets.s3 import s3_config


class CropBucket(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """django-storages with our timeouts and checksums; a forked child connects anew."""

    def __init__(self, **options: Any) -> None:
        config = s3_config(options.get("endpoint_url"))
        super().__init__(client_config=config, file_overwrite=True, default_acl=None, **options)
        self._process = os.getpid()

    @property
    def connection(self) -> Any:
        """Return this thread's connection in this process."""
        if self._process != os.getpid():
            self._connections = threading.local()
            self._bucket = None
            self._process = os.getpid()
        return super().connection
