"""Answers about the consistency of documents, vectors and crops."""

from __future__ import annotations

from rest_framework.serializers import BooleanField, CharField, DictField, IntegerField

from clustering.documents import NOISE
from clustering.outputs.runs import CLUSTERING_ID, PATH
from clustering.storage_check import StorageReport
from clustering.storage_repair import StorageRepair
from web.output import FirstField, LengthField, Output

IDS_SHOWN = 1000
PHOTOS_NAMED = 10
STORES = "MongoDB: metadata; Qdrant: vectors; Django storage: crops"


class DocumentCountsOutput(Output):
    """Counts of the document store."""

    total_metadata_entries = IntegerField(source="faces", help_text="Number of faces.")
    faces_with_embeddings = IntegerField(
        source="matching", help_text="Number of faces with a vector."
    )
    faces_without_embeddings = LengthField(
        source="mongodb_only", help_text="Number of faces without a vector."
    )


class VectorCountsOutput(Output):
    """Counts of the vector store."""

    total_embeddings = IntegerField(source="vectors", help_text="Number of vectors.")
    clusters_with_embeddings = IntegerField(help_text="Number of clusters with vectors.")
    noise_embeddings = IntegerField(help_text="Number of vectors of faces in no cluster.")
    cluster_distribution = DictField(
        source="clusters", child=IntegerField(), help_text="Number of vectors by cluster."
    )

    def get_clusters_with_embeddings(self, report: StorageReport) -> int:
        return sum(label != NOISE for label in report.clusters)

    def get_noise_embeddings(self, report: StorageReport) -> int:
        return report.clusters[NOISE]


class ConsistencyCheckOutput(Output):
    """What fits and what does not; lists hold at most 1000 entries.

    ``faces_missing`` are faces that an image speaks of and no document describes;
    ``images_missing`` are photos with faces and without an image. ``faces_without_member`` are
    faces that belong into the groups and are in none: then ``run_needed`` says that only a run
    puts that right.
    """

    matching_face_ids = IntegerField(source="matching", help_text="Number of faces with a vector.")
    mongodb_only = LengthField(help_text="Number of faces without a vector.")
    qdrant_only = LengthField(source="orphans", help_text="Number of vectors without a face.")
    total_consistency = BooleanField(
        source="is_consistent", help_text="Whether there is no difference."
    )
    mongodb_only_ids = FirstField(source="mongodb_only", help_text="Faces without a vector.")
    qdrant_only_ids = FirstField(source="orphans", help_text="Vectors without a face.")
    wrong_dimension = LengthField(help_text="Number of vectors of a wrong dimension.")
    wrong_model = IntegerField(help_text="Number of vectors of another model.")
    wrong_cluster = LengthField(help_text="Number of vectors that name another cluster.")
    missing_crops = LengthField(help_text="Number of faces without a crop.")
    damaged_crops = LengthField(help_text="Number of damaged crops.")
    damaged_crops_ids = FirstField(source="damaged_crops", help_text="Faces with a damaged crop.")
    faces_missing = LengthField(help_text="Number of faces without a document.")
    faces_missing_ids = FirstField(source="faces_missing", help_text="Faces without a document.")
    images_missing = LengthField(help_text="Number of photos without a document.")
    images_missing_keys = FirstField(
        source="images_missing", help_text="Keys of photos without a document."
    )
    members_without_face = LengthField(help_text="Number of memberships without a face.")
    members_without_face_ids = FirstField(
        source="members_without_face", help_text="Faces of these memberships."
    )
    faces_without_member = LengthField(help_text="Number of faces that no group contains.")
    faces_without_member_ids = FirstField(
        source="faces_without_member", help_text="Faces that no group contains."
    )
    clusters_wrong = LengthField(
        source="wrong_clusters", help_text="Number of clusters with wrong counts or covers."
    )
    clusters_wrong_ids = FirstField(source="wrong_clusters", help_text="Labels of these clusters.")
    run_needed = BooleanField(source="is_run_needed", help_text="Whether only a run corrects it.")

    def get_wrong_model(self, report: StorageReport) -> int:
        return sum(map(len, report.wrong_model.values()))


class PhotoNotRestoredOutput(Output):
    """A photo whose faces are still incomplete, and why it could not be used.

    ``vanished``: it is not in the bucket now. ``changed``: it is another photo than the one that
    was stored. ``other_model``: its faces are of models that are not in use now.
    ``not_found_again``: the models find fewer faces in it now. Others: why it cannot be read.
    """

    key = CharField(help_text="The photo's key in the bucket.")
    reason = CharField(help_text="Why, for programs.")


class RepairDoneOutput(Output):
    """What a repair did; the list holds at most 1000 photos."""

    vectors_removed = IntegerField(help_text="Number of removed vectors.")
    photos_read_again = IntegerField(help_text="Number of photos that were read again.")
    faces_recomputed = IntegerField(help_text="Number of faces that were computed again.")
    faces_restored = IntegerField(help_text="Number of faces whose document was written again.")
    members_removed = IntegerField(help_text="Number of removed memberships.")
    clusters_recounted = IntegerField(help_text="Number of clusters that were counted again.")
    not_restored = LengthField(help_text="Number of photos that could not be used.")
    not_restored_photos = PhotoNotRestoredOutput(
        many=True, help_text=f"These photos. At most {IDS_SHOWN} are listed."
    )

    def get_not_restored_photos(self, repair: StorageRepair) -> list[dict[str, str]]:
        photos = sorted(repair.not_restored.items())
        return [{"key": key, "reason": reason} for key, reason in photos[:IDS_SHOWN]]


class StorageComparisonOutput(Output):
    """Comparison of a collection's documents, vectors and crops."""

    clustering_id = CharField(help_text=CLUSTERING_ID)
    bucket_path = CharField(help_text=PATH)
    storage_architecture = CharField(help_text="Which store holds what.")
    mongodb_stats = DocumentCountsOutput(source="*", help_text="Counts of the document store.")
    qdrant_stats = VectorCountsOutput(source="*", help_text="Counts of the vector store.")
    consistency_check = ConsistencyCheckOutput(source="*", help_text="The differences.")
    architecture_working = BooleanField(
        source="is_consistent", help_text="Whether there is no difference."
    )
    repair = RepairDoneOutput(required=False, help_text="What the repair did.")

    def get_storage_architecture(self, _report: StorageReport) -> str:
        return STORES


def repair_sentences(done: StorageRepair, report: StorageReport) -> list[str]:
    """Return what a repair did, what it could not do, and what helps."""
    sentences = [
        f"{done.vectors_removed} vectors removed, {done.photos_read_again} photos read again, "
        f"{done.faces_recomputed} faces computed anew, {done.faces_restored} of them restored; "
        f"the stores {'agree' if report.is_consistent else 'still differ'}."
    ]
    if done.members_removed or done.clusters_recounted:
        sentences.append(
            f"{done.members_removed} members of clusters removed, "
            f"{done.clusters_recounted} clusters counted anew."
        )
    if done.not_restored:
        some = [f"{key} ({reason})" for key, reason in sorted(done.not_restored.items())]
        more = f" and {len(some) - PHOTOS_NAMED} more" if len(some) > PHOTOS_NAMED else ""
        sentences.append(
            f"Not restored, because their photos cannot be used: "
            f"{', '.join(some[:PHOTOS_NAMED])}{more}. Bring the photos back and repair again, or "
            f"start a run, which forgets photos that are gone and reads those that changed."
        )
    if report.is_run_needed:
        sentences.append(
            f"{len(report.faces_without_member)} faces are in no cluster; start a run, it groups "
            f"anew."
        )
    return sentences
