"""Answers about decisions, about a person, and of the search by photo. None contains a vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.urls import reverse
from rest_framework.serializers import (
    BooleanField,
    CharField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
)

from assignments.api.outputs import UserTotalsOutput
from clustering.decisions.documents import Decision
from clustering.outputs.faces import FaceQualityPartsOutput
from profiles.outputs import ProfileDetailOutput
from profiles.services import Counts
from review.people.erase import Pending, PersonReceipt, PersonReferences
from review.search.photo import FaceResult
from web.output import NEXT, FirstField, Output, RoundedField, TimeField

USER_ID = "The person's id."
PATH = "The collection: bucket and prefix."
SIMILARITY = "Cosine similarity to the face."
ERASED = "Nothing of this person is left."
INCOMPLETE = (
    "Not everything is erased yet. It is finished by itself once what is pending has ended; "
    "send DELETE again to see."
)


class DecisionRowOutput(Output):
    """A decision; `moved` is the number of moved faces, `faces` has at most 1,000 of its faces."""

    id = CharField(help_text="The id of the decision.")
    number = IntegerField(source="seq", help_text="Its place in the collection's log, from 1.")
    bucket_path = CharField(source="collection", help_text=PATH)
    kind = CharField(help_text="What was decided, such as `reject`, `merge` or `undo`.")
    by = CharField(help_text="The account or key that decided.")
    at = TimeField(help_text="When it was decided.")
    clustering_id = CharField(source="run", help_text="The run whose clusters were decided about.")
    faces = FirstField(help_text="Ids of the faces.")
    face_count = IntegerField(help_text="Number of the faces.")
    moved = IntegerField(help_text="Number of faces whose cluster changed.")
    person = CharField(help_text="The identity of the cluster across runs, or empty.")
    other = CharField(help_text="The identity of the other cluster, or empty.")
    new_cluster_id = CharField(source="label", help_text="Label of a new cluster, or empty.")
    user_id = CharField(source="user", help_text="The profile of the decision, or empty.")
    undoes = CharField(help_text="The id of the decision that this one undoes, or empty.")
    is_undone = BooleanField(help_text="Whether a later decision undid it.")

    def get_faces(self, decision: Decision) -> Sequence[str]:
        return decision.faces or decision.moved

    def get_face_count(self, decision: Decision) -> int:
        return len(decision.faces or decision.moved)

    def get_moved(self, decision: Decision) -> int:
        return len(decision.moved)

    def get_is_undone(self, _decision: Decision) -> bool:
        return False


class DecisionResultOutput(Output):
    """The result of one of several decisions: made, or rejected with a reason."""

    status = IntegerField(help_text="The HTTP status that the decision alone would have.")
    decision = DecisionRowOutput(required=False, help_text="The decision, if it was made.")
    detail = CharField(required=False, help_text="Why it was refused, as a sentence.")
    code = CharField(required=False, help_text="Why it was refused, for programs.")
    changed = ListField(
        child=DictField(child=CharField()),
        required=False,
        help_text="Decisions that were made since: `id` and `kind` of each.",
    )
    chain = ListField(
        child=CharField(), required=False, help_text="Ids of the decisions it contradicts."
    )
    later = ListField(
        child=CharField(), required=False, help_text="Ids of decisions to undo before this one."
    )


class DecisionResultsOutput(Output):
    """The result of each decision, in the order of the request."""

    bucket_path = CharField(help_text=PATH)
    dry_run = BooleanField(help_text="Whether nothing was stored.")
    made = IntegerField(help_text="Number of decisions that were made.")
    refused = IntegerField(help_text="Number of decisions that were refused.")
    results = DecisionResultOutput(many=True, help_text="One result for each decision.")


class DecisionRowsOutput(Output):
    """A page of decisions, the newest first."""

    decisions = DecisionRowOutput(many=True, help_text="The decisions of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class SearchedFaceOutput(Output):
    """A face, in pixels of the upright photo; if it is not `used`, `reason` says why."""

    bbox = ListField(child=FloatField(), help_text="Left, top, width and height in pixels.")
    confidence = FloatField(
        source="face.confidence", help_text="The detector's confidence, 0 to 1."
    )
    quality = FaceQualityPartsOutput(source="face.quality", help_text="Quality of the face.")
    checks = ListField(child=CharField(), help_text="The quality checks, as sentences.")
    used = BooleanField(help_text="Whether the face was searched.")
    reason = CharField(allow_null=True, help_text="Why it was not searched, for programs.")

    def get_bbox(self, one: FaceResult) -> list[float]:
        return [round(float(side), 2) for side in one.face.bbox]

    def get_used(self, one: FaceResult) -> bool:
        return one.reason is None


class MatchingPhotoOutput(Output):
    """The reference photo of a person that is most similar to the face."""

    face_id = CharField(source="reference", help_text="The id of the reference photo.")
    similarity = RoundedField(help_text=SIMILARITY)


class MatchingPersonOutput(Output):
    """A person; `margin` is the lead in similarity over the next one, `photo` the best photo."""

    user_id = CharField(help_text=USER_ID)
    name = CharField(help_text="The person's name; may be empty.")
    similarity = RoundedField(help_text=SIMILARITY)
    photo = MatchingPhotoOutput(allow_null=True, help_text="The most similar reference photo.")
    margin = RoundedField(allow_null=True, help_text="The lead over the next person.")


class MatchingClusterOutput(Output):
    """A cluster with its most similar face; faces in `noise` are listed individually."""

    bucket_path = CharField(source="run.collection", help_text=PATH)
    clustering_id = CharField(source="run.id", help_text="The id of the run.")
    cluster_id = CharField(source="label", help_text="The label of the cluster in its run.")
    similarity = RoundedField(help_text=SIMILARITY)
    face_id = CharField(source="face", help_text="The most similar face of the cluster.")
    face_count = IntegerField(help_text="Number of faces in the cluster.")
    user_id = CharField(allow_null=True, help_text="The person assigned to the cluster.")


class FaceMatchesOutput(Output):
    """A face with the most similar people and clusters, by descending similarity."""

    face = SearchedFaceOutput(source="*", help_text="The face in the photo.")
    profiles = MatchingPersonOutput(source="people", many=True, help_text="The people.")
    clusters = MatchingClusterOutput(many=True, help_text="The clusters.")


class ImageSizeOutput(Output):
    """The size of an upright photo in pixels."""

    width = IntegerField(help_text="Width in pixels.")
    height = IntegerField(help_text="Height in pixels.")


class NotComparedOutput(Output):
    """The number of people and collections whose vectors are from another than the active model."""

    profiles = IntegerField(source="other_profiles", help_text="Number of people.")
    collections = IntegerField(source="other_collections", help_text="Number of collections.")


class SearchResultOutput(Output):
    """All faces of a photo, by descending confidence, with the results for each."""

    image = ImageSizeOutput(source="*", help_text="The size of the photo.")
    embedder = CharField(help_text="The model of the compared embeddings.")
    faces = FaceMatchesOutput(many=True, help_text="The faces of the photo.")
    not_compared = NotComparedOutput(source="*", help_text="What was not compared.")


class PersonDetailOutput(ProfileDetailOutput):
    """A profile with its reference photos, and the person's totals in all collections."""

    assignments = UserTotalsOutput(help_text="The person's clusters in all collections.")


class PersonRecords(NamedTuple):
    """Number of records of a person: of the profile, and outside of it."""

    counts: Counts
    references: PersonReferences


class InMongodbOutput(Output):
    """Documents of a person; the vectors are part of the profile and of the reference photos.

    A decision that named the person stays, without the name. `import_lines` counts lines
    and imports.
    """

    profiles = IntegerField(source="counts.templates", help_text="Number of profiles.")
    reference_photos = IntegerField(
        source="counts.references", help_text="Number of reference photos."
    )
    vectors = IntegerField(help_text="Number of vectors.")
    assignments = IntegerField(source="references.assignments", help_text="Number of assignments.")
    decisions = IntegerField(
        source="references.decisions", help_text="Number of decisions that named the person."
    )
    import_lines = IntegerField(
        source="references.import_lines", help_text="Number of imports and of their lines."
    )

    def get_vectors(self, records: PersonRecords) -> int:
        return records.counts.templates + records.counts.references


class InFilesOutput(Output):
    """Files of a person: the photos as they were sent, the faces cut out of them, and log files."""

    photos = IntegerField(source="counts.photos", help_text="Number of photos.")
    crops = IntegerField(source="counts.crops", help_text="Number of face crops.")
    log_files = IntegerField(
        source="references.log_files", help_text="Number of log files that named the person."
    )


class InLoginDatabaseOutput(Output):
    """Rows that named the person.

    Kept answers to repeated requests, waiting messages, failed logins, failed tasks.
    """

    kept_answers = IntegerField(source="references.answers", help_text="Number of kept answers.")
    messages = IntegerField(source="references.messages", help_text="Number of waiting messages.")
    login_attempts = IntegerField(
        source="references.login_attempts", help_text="Number of failed logins."
    )
    failed_tasks = IntegerField(
        source="references.failed_tasks", help_text="Number of failed tasks."
    )


class ByStoreOutput(Output):
    """Number of records of a person in each store."""

    mongodb = InMongodbOutput(source="*", help_text="Documents.")
    files = InFilesOutput(source="*", help_text="Files.")
    login_database = InLoginDatabaseOutput(source="*", help_text="Rows of the login database.")


class StillPendingOutput(Output):
    """What was still going on: an `import`, a `request`, a `file` in use, or another `erasure`."""

    kind = CharField(help_text="`import`, `request`, `file` or `erasure`.")
    detail = CharField(help_text="What is pending, as a sentence.")
    import_id = CharField(help_text="The id of the import, or empty.")
    status_url = CharField(allow_null=True, help_text="Path of the import's state.")

    def get_status_url(self, one: Pending) -> str | None:
        return reverse("import_api", kwargs={"import_id": one.import_id}) if one.import_id else None


class ErasureReceiptOutput(Output):
    """What an erasure removed from which store, what a check afterwards still found.

    `complete` is true if nothing was left and nothing that is going on can name the person. An
    incomplete erasure is finished by itself once what is pending has ended; DELETE may be repeated.
    """

    user_id = CharField(help_text=USER_ID)
    erased_at = TimeField(help_text="When the erasure was done.")
    complete = BooleanField(source="is_complete", help_text="Whether nothing is left or pending.")
    detail = CharField(help_text="The result, as a sentence.")
    pending = StillPendingOutput(many=True, help_text="What could still name the person.")
    removed = ByStoreOutput(help_text="What was removed.")
    left = ByStoreOutput(help_text="What was found afterwards.")

    def get_detail(self, receipt: PersonReceipt) -> str:
        return ERASED if receipt.is_complete else INCOMPLETE

    def get_removed(self, receipt: PersonReceipt) -> PersonRecords:
        return PersonRecords(receipt.profile.removed, receipt.removed)

    def get_left(self, receipt: PersonReceipt) -> PersonRecords:
        return PersonRecords(receipt.profile.left, receipt.left)
