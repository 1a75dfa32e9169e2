"""What clustering refuses, as classes: the class is the outcome, the message is for a person."""

from __future__ import annotations

from storage.errors import Conflict, Missing, Refused, StoreUnavailable


class EmptyCollection(Missing):
    """The bucket exists, but no image lies under the collection's prefix."""

    code = "empty_collection"


class NoSuchRun(Missing):
    """No run with this id belongs to the collection."""

    code = "no_run"


class NoGroups(Missing):
    """The run has no clusters: it has not ended well, or they were forgotten for newer ones."""

    code = "no_groups"


class NoSuchCluster(Missing):
    """The run has no cluster of this label."""

    code = "no_such_cluster"


class NoSuchFace(Missing):
    """No face with this id is stored."""

    code = "no_such_face"


class RunActive(Conflict):
    """The collection already has a run that works; ``extra`` names it."""

    code = "run_active"


class RunEnded(Conflict):
    """The run has come to its end and cannot be cancelled."""

    code = "run_ended"


class CollectionBusy(Conflict):
    """The collection is being repaired or removed in part; no run of it begins meanwhile."""

    code = "collection_busy"


class RunNotResumable(Conflict):
    """Only a failed or cancelled run, which no newer one has replaced, can go on."""

    code = "run_not_resumable"


class RemovalsNeedConfirmation(Conflict):
    """Many known photos are missing from the listing; the run has to be allowed to remove them."""

    code = "removals_need_confirmation"


class NothingToConfirm(Conflict):
    """The run does not wait for its removals to be confirmed."""

    code = "nothing_to_confirm"


class NothingReadable(Conflict):
    """Photos are listed, and none of them may be read."""

    code = "nothing_readable"


class CollectionAway(StoreUnavailable):
    """Nothing is under a collection's prefix any more, where photos were listed before."""

    code = "collection_away"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Nothing is under {path} any more, but photos were listed there; see that its disk or "
            "folder is there. If all were removed on purpose, cancel the run that waits and start "
            "another.",
            store="bucket",
        )


class PhotoCrashed(Refused):
    """Reading the photo ended in an unforeseen way, again and again."""

    code = "crashed"


class NotAPreview(Conflict):
    """Only a finished preview that was neither applied nor dropped can be applied."""

    code = "not_a_preview"


class PreviewStale(Conflict):
    """Readers see another run now than the preview was made against."""

    code = "preview_stale"


class BadParameters(Refused):
    """The run was asked for with parameters that make no sense together."""

    code = "bad_parameters"


class RunCancelled(Exception):
    """Somebody asked the run to stop; the worker ends at the next safe point."""
