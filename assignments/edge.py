"""What the resources ask for: find the run, open the vectors, match, save."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from assignments.answers import SHOWN, MatchResult, match_json
from assignments.documents import Assignment, Strategy
from assignments.run_matching import RunMatches, run_match
from assignments.search.photo import PhotoSearched, photo_search
from assignments.services import Assigned, run_assign
from clustering.documents import Run, RunState
from clustering.edge import groups_settle
from clustering.errors import NoSuchRun
from clustering.selectors import collection_list, members_page, run_find, run_get, runs_page
from storage.names import CollectionName
from storage.vectors import face_vectors
from vision import CATALOGUE, EngineSettings, ImageTooLarge, get_engine

RUNS_LOOKED_AT = 1000


@dataclass(frozen=True, eq=False)
class Matched:
    """Whom the clusters of a run are most like, and what of that counts."""

    found: RunMatches
    done: Assigned
    strategy: Strategy
    dry_run: bool


def run_matched(run: Run, asked: Mapping[str, Any], *, engine: EngineSettings) -> Matched:
    """Match a finished run with all profiles and, unless it is a dry run, save that."""
    if not run.stats:
        raise NoSuchRun(f"The run {run.id} has no clusters yet; it is {run.state.value}.")
    groups_settle(run.collection)
    strategy, dry_run = Strategy(asked["strategy"]), asked["dry_run"]
    threshold = asked.get("threshold")
    found = run_match(
        run,
        strategy=strategy,
        threshold=threshold_of(run, engine) if threshold is None else threshold,
        margin=asked["margin"],
        vectors=face_vectors(),
    )
    done = run_assign(run, found, strategy=strategy, overwrite=asked["overwrite"], dry_run=dry_run)
    return Matched(found, done, strategy, dry_run)


def request_match(run: Run, asked: Mapping[str, Any], *, engine: EngineSettings) -> MatchResult:
    """Match a run as a client asks for it, and tell it all that was found."""
    matched = run_matched(run, asked, engine=engine)
    typical = {
        label: [(one.face, one.key) for one in members_page(run, label, limit=SHOWN)]
        for label in matched.done.matches
    }
    return match_json(
        run,
        matched.found,
        matched.done,
        strategy=matched.strategy,
        dry_run=matched.dry_run,
        typical=typical,
    )


def request_search(file: UploadedFile, *, limit: int, path: str | None = None) -> PhotoSearched:
    """Search by a photo that was sent; nothing of it is kept."""
    if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
        raise ImageTooLarge(
            f"The file has {file.size:,} bytes; {settings.UPLOAD_MAX_BYTES:,} are allowed.",
            code="too_many_bytes",
        )
    return photo_search(
        file.read(),
        engine=get_engine(settings.VISION),
        thresholds=settings.VISION.thresholds,
        vectors=face_vectors(),
        limit=limit,
        collection=None if path is None else CollectionName.parse(path).path,
    )


def threshold_of(run: Run, engine: EngineSettings) -> float:
    """Return the similarity from which a cluster is somebody's, for the run's embedder."""
    known = CATALOGUE.get(run.embedder)
    entry = known if known is not None else get_engine(engine).entry
    return float(entry.assignment_threshold)


def likely_from(run: Run) -> float:
    """Return the similarity from which a page calls a person likely; no model has to be at hand.

    0, so everybody is, if the run's embedder is one of the operator's own.
    """
    known = CATALOGUE.get(run.embedder)
    return 0.0 if known is None else float(known.assignment_threshold)


def runs_by_groups(*, history: bool = False) -> dict[str, str]:
    """Return, by the id that groups are stored under, the run that readers know them by."""
    found: dict[str, str] = {}
    for collection in collection_list():
        runs = _runs_kept(collection.path) if history else [run_find(collection.current_run)]
        for run in runs:
            if run is not None:
                found.setdefault(run.clusters_run, run.id)
    return found


def held_now(some: Iterable[Assignment], runs: Mapping[str, str]) -> Iterator[Assignment]:
    """Iterate the assignments that make clusters of these runs somebody's."""
    return (one for one in some if one.is_held and one.run in runs)


def run_named(run_id: str) -> Run:
    """Return a run, which has to have its clusters still."""
    run = run_get(run_id)
    if run.forgotten:
        raise NoSuchRun(f"The clusters of the run {run_id} are not kept any more.")
    return run


def _runs_kept(path: str) -> list[Run]:
    """Return the runs of a collection whose clusters are kept, newest first."""
    return [
        run
        for run in runs_page(path, limit=RUNS_LOOKED_AT)
        if run.state == RunState.FINISHED and not run.forgotten
    ]
