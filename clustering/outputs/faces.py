"""Answers about faces: of a cluster, of a run's export, and of a single face."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse
from rest_framework.serializers import BooleanField, CharField, FloatField, IntegerField, ListField

from clustering.documents import Face, Image, Member, Run
from clustering.outputs.runs import CLUSTERING_ID, PATH
from web.output import NEXT, Output, TimeField

FACE_ID = "The id of the face."
KEY = "The photo's key in the bucket."
BOX = "Left, top, width and height of the face in pixels of the upright photo."
CONFIDENCE = "The detector's confidence, 0 to 1."
QUALITY = "Quality of the face, 0 to 1."
CLUSTER_ID = "The label of the cluster; `noise` for faces in no cluster."
SIMILARITY = "Cosine similarity of the face and the cluster's average face."
VERDICT = "`kept`, `poor`, `not_a_face` or `ignored`."
PUT_BY = "`machine`, or the account or key that put it there."
CROP_URL = "Path of the face as a JPEG."
IMAGE_URL = "Path of the original photo."


class GroupedFace(NamedTuple):
    """A face as a member of a cluster of a run."""

    run: Run
    member: Member
    face: Face


class ClusterFaceOutput(Output):
    """A face as a member of a cluster; `bbox` is x, y, width, height in the upright photo."""

    face_id = CharField(source="face.id", help_text=FACE_ID)
    image_path = CharField(source="face.key", help_text=KEY)
    confidence = FloatField(source="face.confidence", help_text=CONFIDENCE)
    quality_score = FloatField(source="face.quality_score", help_text=QUALITY)
    bbox = ListField(source="face.bbox", child=FloatField(), help_text=BOX)
    similarity = FloatField(source="member.similarity", help_text=SIMILARITY)
    embedding_available = BooleanField(help_text="Always true: each member has a vector.")
    embedding_size = IntegerField(source="run.dimension", help_text="Dimensions of the vector.")
    timestamp = TimeField(source="face.created_at", help_text="When the face was found.")
    crop_url = CharField(help_text=CROP_URL)
    image_url = CharField(help_text=IMAGE_URL)
    verdict = CharField(source="face.verdict", help_text=VERDICT)
    put_by = CharField(source="member.put_by", help_text=PUT_BY)

    def get_embedding_available(self, _one: GroupedFace) -> bool:
        return True

    def get_crop_url(self, one: GroupedFace) -> str:
        return reverse("face_crop", kwargs={"face_id": one.face.id})

    def get_image_url(self, one: GroupedFace) -> str:
        return reverse("face_image", kwargs={"face_id": one.face.id})


class ClusterFacesOutput(Output):
    """A page of a cluster's faces, the most typical first; counts are of the whole cluster.

    `person` is the cluster's identity, which is stable across runs. A decision about the cluster
    sends the `version` that the client has read. `covers` are the faces to show for the cluster,
    the chosen one or the best first.
    """

    clustering_id = CharField(help_text=CLUSTERING_ID)
    cluster_id = CharField(source="label", help_text=CLUSTER_ID)
    bucket_path = CharField(help_text=PATH)
    total_faces = IntegerField(source="face_count", help_text="Number of faces.")
    cluster_size = IntegerField(source="image_count", help_text="Number of photos.")
    cohesion = FloatField(help_text="Average similarity of the faces to their average face.")
    person = CharField(help_text="Identity of the cluster across runs, or empty.")
    version = IntegerField(help_text="Grows with each change of the cluster.")
    covers = ListField(child=CharField(), help_text="Ids of the faces to show, the best first.")
    faces = ClusterFaceOutput(many=True, help_text="The faces of this page.")
    image_paths = ListField(child=CharField(), help_text="Keys of the photos of this page.")
    face_ids = ListField(child=CharField(), help_text="Ids of the faces of this page.")
    embeddings_in_qdrant = IntegerField(help_text="Number of vectors of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class ImageFactsOutput(Output):
    """The photo of a face: size of the upright photo in pixels, file size in bytes, format.

    `taken` is the local time of the camera without a time zone, null if the photo has none.
    """

    width = IntegerField(help_text="Width of the upright photo in pixels.")
    height = IntegerField(help_text="Height of the upright photo in pixels.")
    size = IntegerField(help_text="Size of the file in bytes.")
    format = CharField(help_text="The format, such as `JPEG`.")
    taken = CharField(allow_null=True, help_text="When it was taken, in local time.")
    faces = IntegerField(help_text="Number of faces in the photo.")

    def get_taken(self, image: Image) -> str | None:
        return image.taken or None


class FaceQualityPartsOutput(Output):
    """The components of a face's quality; `score` is 0 to 1."""

    score = FloatField(help_text=QUALITY)
    size = FloatField(help_text="Shorter side of the face in pixels.")
    blur = FloatField(help_text="Variance of the Laplacian; low values are blurred.")
    pose = FloatField(help_text="1 for a frontal face, less for a face that is turned away.")


class FacePlaceOutput(Output):
    """The cluster of a face in the current run; `cluster_id` may be noise."""

    clustering_id = CharField(source="run.id", help_text=CLUSTERING_ID)
    cluster_id = CharField(source="member.cluster", help_text=CLUSTER_ID)
    similarity = FloatField(source="member.similarity", help_text=SIMILARITY)
    put_by = CharField(source="member.put_by", help_text=PUT_BY)
    cluster_url = CharField(help_text="Path of the cluster's faces.")

    def get_cluster_url(self, one: GroupedFace) -> str:
        bucket, _, sub = one.run.collection.partition("/")
        name = {"bucket": bucket, "sub": sub, "cluster_id": one.member.cluster}
        url = reverse("cluster_details_db", kwargs=name)
        return f"{url}?clustering_id={one.run.id}"


class FaceDetailOutput(Output):
    """A face; box and landmarks are in pixels of the upright photo, `reason` is why it is poor."""

    face_id = CharField(source="id", help_text=FACE_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    image_path = CharField(source="key", help_text=KEY)
    image = ImageFactsOutput(allow_null=True, help_text="The photo.")
    index = IntegerField(help_text="Rank of the face in its photo, from 0.")
    bbox = ListField(child=FloatField(), help_text=BOX)
    landmarks = ListField(
        child=ListField(child=FloatField()),
        help_text="Eyes, nose and corners of the mouth as x and y, or empty.",
    )
    confidence = FloatField(help_text=CONFIDENCE)
    quality = FaceQualityPartsOutput(help_text="Quality of the face.")
    verdict = CharField(help_text=VERDICT)
    reason = CharField(allow_null=True, help_text="Why the face is poor; null if it is not.")
    model = CharField(help_text="The detector and the embedder, joined by a plus sign.")
    embedder = CharField(help_text="The embedder.")
    created_at = TimeField(help_text="When the face was found.")
    cluster = FacePlaceOutput(allow_null=True, help_text="Its cluster in the current run.")
    crop_url = CharField(help_text=CROP_URL)
    image_url = CharField(help_text=IMAGE_URL)
    preview_url = CharField(help_text="Path of the photo as a scaled JPEG.")

    def get_landmarks(self, face: Face) -> list[list[float]]:
        points = list(face.landmarks)
        return [points[at : at + 2] for at in range(0, len(points), 2)]

    def get_quality(self, face: Face) -> dict[str, float]:
        return {
            "score": face.quality_score,
            "size": face.size,
            "blur": face.blur,
            "pose": face.pose,
        }

    def get_reason(self, face: Face) -> str | None:
        return face.reason or None

    def get_crop_url(self, face: Face) -> str:
        return reverse("face_crop", kwargs={"face_id": face.id})

    def get_image_url(self, face: Face) -> str:
        return reverse("face_image", kwargs={"face_id": face.id})

    def get_preview_url(self, face: Face) -> str:
        return reverse("face_preview", kwargs={"face_id": face.id})


class ExportedFaceOutput(Output):
    """A face and its cluster; `bbox` is x, y, width, height in the upright photo."""

    clustering_id = CharField(source="run.id", help_text=CLUSTERING_ID)
    cluster_id = CharField(source="member.cluster", help_text=CLUSTER_ID)
    face_id = CharField(source="face.id", help_text=FACE_ID)
    image_path = CharField(source="face.key", help_text=KEY)
    bbox = ListField(source="face.bbox", child=FloatField(), help_text=BOX)
    confidence = FloatField(source="face.confidence", help_text=CONFIDENCE)
    quality = FloatField(source="face.quality_score", help_text=QUALITY)
    similarity = FloatField(source="member.similarity", help_text=SIMILARITY)
    verdict = CharField(source="face.verdict", help_text=VERDICT)


class ExportedClustersOutput(Output):
    """All faces of a run, cluster by cluster."""

    clustering_id = CharField(help_text=CLUSTERING_ID)
    bucket_path = CharField(help_text=PATH)
    faces = ExportedFaceOutput(many=True, help_text="The faces.")
