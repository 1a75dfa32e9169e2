"""Errors of clustering: the class determines the outcome, the message is shown to users."""

from __future__ import annotations

from storage.errors import Conflict, Missing, Refused, StoreUnavailable


class EmptyCollection(Missing):
    """The bucket exists, but there is no image under the collection's prefix."""

    code = "empty_collection"


class NoSuchRun(Missing):
    """No run with this id belongs to the collection."""

    code = "no_run"


class NoGroups(Missing):
    """The run has no clusters: it did not finish, or they were removed as obsolete."""

    code = "no_groups"


class NoSuchCluster(Missing):
    """The run has no cluster with this label."""

    code = "no_such_cluster"


class NoSuchFace(Missing):
    """No face with this id is stored."""

    code = "no_such_face"


class RunActive(Conflict):
    """The collection already has an active run; ``extra`` names it."""

    code = "run_active"


class RunEnded(Conflict):
    """The run has ended and cannot be cancelled."""

    code = "run_ended"


class CollectionBusy(Conflict):
    """The collection is being repaired or partly removed; no run can start meanwhile."""

    code = "collection_busy"


class RunNotResumable(Conflict):
    """Only the newest run can be resumed, and only after it failed or was cancelled."""

    code = "run_not_resumable"


class RemovalsNeedConfirmation(Conflict):
    """Many known photos are missing from the listing; the run has to be allowed to remove them."""

    code = "removals_need_confirmation"


class NothingToConfirm(Conflict):
    """The run has no removals that await confirmation."""

    code = "nothing_to_confirm"


class NothingReadable(Conflict):
    """Photos are listed, but none of them can be read."""

    code = "nothing_readable"


class CollectionAway(StoreUnavailable):
    """The prefix of a collection is empty, although photos were listed there before."""

    code = "collection_away"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Nothing is under {path} any more, but photos were listed there; see that its disk or "
            "folder is there. If all were removed on purpose, cancel the run that waits and start "
            "another.",
            store="bucket",
        )


class PhotoCrashed(Refused):
    """Reading the photo failed repeatedly with an unexpected error."""

    code = "crashed"


class NotAPreview(Conflict):
    """Only a finished preview that was neither applied nor discarded can be applied."""

    code = "not_a_preview"


class PreviewStale(Conflict):
    """The current run is no longer the one that the preview was compared with."""

    code = "preview_stale"


class BadParameters(Refused):
    """The parameters of the run are invalid."""

    code = "bad_parameters"
