"""``manage.py rebuild_decisions <bucket>/<sub>``: replay the event log of decisions."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from clustering.decisions.replay import ReplayReport
from clustering.services import replay_decisions
from faceadmin.runtime.exit_codes import CommandFailed, ProductCommand
from faceadmin.runtime.launcher import run_services
from storage.names import CollectionName

SHOWN = 10


class Command(ProductCommand):
    """Compare the stored groups with a replay of the event log; with --repair, write the replay."""

    help = (
        "Derive the groups of a collection from its run and the whole log of decisions, and "
        "compare with what is stored: decisions from before the grouping as what it had to obey, "
        "later ones replayed over it. Exit code 1: they differ."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the collection and the options."""
        parser.add_argument("collection", help="bucket/sub: a bucket and a folder in it")
        parser.add_argument(
            "--repair", action="store_true", help="write the state derived from the log"
        )
        parser.add_argument("--json", action="store_true", help="the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay, compare, repair if requested, and report."""
        path = CollectionName.parse(options["collection"]).path
        with run_services():
            found = left = replay_decisions(path)
            if options["repair"] and not found.is_unchanged:
                left = replay_decisions(path, repair=True)
        if options["json"]:
            self.stdout.write(json.dumps(_json(path, found, left), indent=2))
        else:
            self.stdout.write(sentences(path, found, left))
        if not left.is_unchanged:
            if not options["repair"]:
                raise CommandFailed("Write it with --repair.")
            raise CommandFailed(f"Start a run, it groups anew: cluster_bucket {path} --wait")


def sentences(path: str, found: ReplayReport, left: ReplayReport) -> str:
    """Return what a rebuild found, and what is left after a repair."""
    before = found.decisions - found.replayed
    lines = [
        f"{path}: {found.decisions} decisions over {found.faces} faces; {before} of them the "
        f"grouping started from, {found.replayed} came after it."
    ]
    if found.away:
        lines.append(f"{found.away} faces that they speak of are not in the collection now.")
    if found.is_unchanged:
        lines.append("Derived again, nothing changed.")
    else:
        lines.append(f"Differences: {_counts(found)}.")
    if left is not found:
        lines.append(f"Written again; now {_counts(left)}.")
    return "\n".join(lines)


def _counts(found: ReplayReport) -> str:
    some = ", ".join(found.differing[:SHOWN])
    faces = f"{len(found.differing)} faces elsewhere{f' ({some})' if some else ''}"
    return (
        f"{faces}, {len(found.misjudged)} faces judged otherwise, "
        f"{len(found.miscounted)} clusters miscounted, "
        f"{len(found.wrong_covers)} with another cover, "
        f"{len(found.wrong_assignments)} with another assignment"
    )


def _json(path: str, found: ReplayReport, left: ReplayReport) -> dict[str, object]:
    return {
        "bucket_path": path,
        "decisions": found.decisions,
        "decisions_replayed": found.replayed,
        "faces_away": found.away,
        "faces": found.faces,
        "unchanged": found.is_unchanged,
        "differing_faces": found.differing,
        "misjudged_faces": found.misjudged,
        "miscounted_clusters": found.miscounted,
        "wrong_covers": found.wrong_covers,
        "wrong_assignments": found.wrong_assignments,
        "repaired": left is not found and left.is_unchanged,
    }
