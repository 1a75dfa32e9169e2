"""``manage.py verify_storage <bucket>/<sub>``: compare the stores of a collection."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from clustering.outputs.storage import StorageComparisonOutput, repair_sentences
from clustering.selectors import current_run
from clustering.services import check_storage, repair_storage
from clustering.storage_check import StorageReport
from clustering.storage_repair import StorageRepair
from faceadmin.runtime.exit_codes import CommandFailed, ProductCommand
from faceadmin.runtime.launcher import run_services
from storage.names import CollectionName


class Command(ProductCommand):
    """Check that documents, vectors and crops of a collection agree; with --repair, repair them."""

    help = "Compare documents, vectors and crops of a collection. Exit code 1: they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the collection and the options."""
        parser.add_argument("collection", help="bucket/sub: a bucket and a folder in it")
        parser.add_argument("--repair", action="store_true", help="repair the differences")
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, repair if requested, and report."""
        name = CollectionName.parse(options["collection"])
        with run_services():
            run = current_run(name.path)
            repair: StorageRepair | None = None
            if options["repair"]:
                repair, report = repair_storage(run)
            else:
                report = check_storage(run)
        if options["json"]:
            self.stdout.write(
                json.dumps(StorageComparisonOutput.render(report, repair=repair), indent=2)
            )
        else:
            self.stdout.write(sentences(report, repair))
        if not report.is_consistent:
            raise CommandFailed(advice(report, repaired=options["repair"]))


def sentences(report: StorageReport, repair: StorageRepair | None) -> str:
    """Return the result of a comparison and of a repair in a few lines."""
    lines = []
    if repair is not None:
        lines += repair_sentences(repair, report)
    lines.append(f"{report.bucket_path}: {report.faces} faces, {report.vectors} vectors.")
    lines.append("The stores agree." if report.is_consistent else f"Differences: {_found(report)}.")
    return "\n".join(lines)


def advice(report: StorageReport, *, repaired: bool) -> str:
    """Return what to do about stores that differ."""
    if report.is_repairable and not repaired:
        return "Repair it with --repair."
    if report.is_run_needed:
        return f"Start a run: cluster_bucket {report.bucket_path} --wait"
    return "The stores still differ."


def _found(report: StorageReport) -> str:
    counts = {
        "faces whose document is lost": len(report.faces_missing),
        "photos whose document is lost": len(report.images_missing),
        "faces without vector": len(report.mongodb_only),
        "vectors without photo": len(report.orphans),
        "faces without crop": len(report.missing_crops),
        "faces with a damaged crop": len(report.damaged_crops),
        "members of clusters without face": len(report.members_without_face),
        "faces in no cluster (a run is needed)": len(report.faces_without_member),
        "clusters that count or show wrong faces": len(report.wrong_clusters),
        "vectors of the wrong size": len(report.wrong_dimension),
        "vectors of the wrong model": sum(map(len, report.wrong_model.values())),
        "vectors with the wrong cluster": len(report.wrong_cluster),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)
