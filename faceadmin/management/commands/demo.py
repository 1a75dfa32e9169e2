"""``manage.py demo``: a small example collection."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.urls import reverse

from faceadmin.runtime.exit_codes import CommandFailed, Exit, ProductCommand
from faceadmin.runtime.instance_lock import find_running
from faceadmin.runtime.progress_bar import Progress
from faceadmin.runtime.services import address
from storage.names import CollectionName
from vision import fetch_archive

COLLECTION = CollectionName("demo", "people")
PROJECT, VERSION = "face_recognition", "1.3.0"
SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
PHOTOS = "tests/test_images/*.jpg"


class Command(ProductCommand):
    """Fetch a few photos of well-known people from a package index, and cluster them."""

    help = "Fetch a few photos of well-known people and cluster them."

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch, cluster, and print the URL."""
        if settings.WASABI_ACCESS_KEY:
            raise CommandFailed(
                "The demo puts photos into a folder, but the settings name an S3 service; "
                "run it without WASABI_ACCESS_KEY.",
                code=Exit.NONSENSE,
            )
        fetch_photos(settings.BUCKETS_ROOT / COLLECTION.bucket / COLLECTION.sub)
        call_command("cluster_bucket", COLLECTION.path, wait=True, stdout=self.stdout)
        running = find_running(settings.DATA)
        if running and running.address:
            page = reverse("collection", args=(COLLECTION.bucket, COLLECTION.sub))
            self.stdout.write(f"Look at them: {running.address}{page}")
        else:
            self.stdout.write(f"Start it with `make up` and look at them: {address()}")


def fetch_photos(folder: Path) -> None:
    """Put the demo's photos into a folder, unless it has some."""
    if any(folder.glob("*.jpg")):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place as a whole, so an interrupted command leaves no partial collection.
    with (
        TemporaryDirectory(dir=folder.parent, prefix=".demo-") as scratch,
        Progress("Fetching photos", unit="B") as progress,
    ):
        photos = fetch_archive(
            PROJECT,
            VERSION,
            SHA256,
            pick=lambda name: PurePosixPath(name).match(PHOTOS),
            target=Path(scratch),
            progress=progress.update,
        )
        photos[0].parent.replace(folder)
