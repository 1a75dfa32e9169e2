"""``manage.py cluster_bucket <bucket>/<sub>``: cluster the faces of a collection."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from clustering.documents import Run
from clustering.errors import RunActive
from clustering.outputs.runs import run_result
from clustering.parameters import ALGORITHMS, RunParameters
from clustering.progress import run_progress
from clustering.selectors import get_run, iter_members
from clustering.services import start_run
from faceadmin.runtime.exit_codes import CommandFailed, Exit, ProductCommand
from faceadmin.runtime.instance_lock import find_running
from faceadmin.runtime.launcher import run_services, wait_for_others
from faceadmin.runtime.watch_run import watch_run
from storage.names import CollectionName


class Command(ProductCommand):
    """Start a run and, with --wait, show its result."""

    help = "Cluster the faces of a collection; with --wait also without a running faceadmin."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the collection and the parameters of a run."""
        add = parser.add_argument
        add("collection", help="bucket/sub: a bucket and a folder in it")
        add("--wait", action="store_true", help="show the progress and the result")
        add(
            "--json",
            action="store_true",
            help="with --wait: the result as JSON",
        )
        add("--full", action="store_true", help="look at every photo again, changed or not")
        add(
            "--allow-removals",
            action="store_true",
            help="forget the photos that are missing, however many",
        )
        add("--max-images", type=int, default=0, metavar="N", help="the first N photos only")
        add("--eps", type=float, metavar="X", help="cosine distance (default: the model's own)")
        add("--min-samples", type=int, default=2, metavar="N", help="default: 2")
        add("--algorithm", choices=ALGORITHMS, default=ALGORITHMS[0])
        add("--plain", action="store_true", help="the labels of the algorithm alone, no refinement")
        add("--skip-quality-filter", action="store_true", help="include low-quality faces")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the run; wait with --wait."""
        name = CollectionName.parse(options["collection"])
        parameters = _parameters(options)
        if options["json"] and not options["wait"]:
            raise CommandFailed("--json shows a result, so it needs --wait.", code=Exit.NONSENSE)
        if not options["wait"]:
            check_workers()
            run = start_run(name, parameters=parameters, started_by="command line")
            self.stdout.write(f"Run {run.id} of {name} is queued.")
            return
        with run_services() as are_ours:
            run = self._wait(name, parameters, are_ours=are_ours)
            if options["json"]:
                self.stdout.write(json.dumps(run_result(run, iter_members(run)), indent=2))
            else:
                self.stdout.write(summary(run))

    def _wait(self, name: CollectionName, parameters: RunParameters, *, are_ours: bool) -> Run:
        run_id = self._start(name, parameters, are_ours=are_ours)
        try:
            return watch_run(run_id)
        except KeyboardInterrupt:
            after = (
                "continues when faceadmin runs again" if are_ours else "continues in the background"
            )
            raise CommandFailed(
                f"Interrupted; the run {run_id} {after}.", code=Exit.INTERRUPTED
            ) from None

    def _start(self, name: CollectionName, parameters: RunParameters, *, are_ours: bool) -> str:
        try:
            return str(start_run(name, parameters=parameters, started_by="command line").id)
        except RunActive as active:
            run_id = str(active.extra["clustering_id"])
            if not are_ours:
                sentence = f"{active} Its id is {run_id}."
                raise CommandFailed(sentence, code=Exit.RUNNING_ALREADY) from active
        # The workers just started resume this run; failing here would stop them again.
        self.stderr.write(f"The run {get_run(run_id).id} was interrupted and continues.")
        return run_id


def check_workers() -> None:
    """Raise CommandFailed if no workers of this installation would process a run."""
    if find_running(settings.DATA):
        wait_for_others()
    elif settings.MONGODB_EMBEDDED:
        raise CommandFailed(
            "faceadmin is not running, so the run would not start; "
            "start it with `make up`, or add --wait."
        )


def summary(run: Run) -> str:
    """Return the result of a finished run in one or two lines."""
    stats, progress = run.stats, run_progress(run)
    people = "1 person" if stats["num_clusters"] == 1 else f"{stats['num_clusters']} people"
    lines = [
        f"{run.collection}: {people}, {stats['total_faces']} faces in "
        f"{stats['total_images']} photos, {stats['noise_count']} unmatched; "
        f"{run.decoded} photos read in {progress.elapsed_seconds:.1f} s."
    ]
    if run.skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(run.skipped.items()))
        lines.append(f"Skipped: {reasons}.")
    return "\n".join(lines)


def _parameters(options: dict[str, Any]) -> RunParameters:
    names = (
        *("full", "allow_removals", "max_images"),
        *("eps", "min_samples", "algorithm", "skip_quality_filter"),
    )
    return RunParameters(refine=not options["plain"], **{name: options[name] for name in names})
