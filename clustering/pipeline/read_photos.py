"""Read objects of a bucket into images, faces, vectors and crops.

Order of writing: crop, vector, face, and the image last, because a written image is not read
again. All ids are derived from content, so a repetition writes the same documents.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
from django.utils import timezone

from clustering.context import PipelineContext
from clustering.documents import Face, Image, ImageState, Run, Verdict, collection_sort_key
from clustering.errors import CollectionAway
from clustering.selectors import current_members, iter_collection_images
from storage.errors import (
    ObjectArchived,
    ObjectFailing,
    ObjectTooLarge,
    ObjectUnreadable,
    ObjectVanished,
    StorageError,
)
from storage.mongo import bulk_upsert
from storage.names import CollectionName
from vision import DecodedImage, DetectedFace, VisionError, encode_crop

CHUNK = 4
READ_THREADS = 4
PROBES = 3  # known photos that are read to tell a damaged object from a failing store
NOT_DELIVERED = (ObjectVanished, ObjectUnreadable, ObjectFailing)


@dataclass(frozen=True)
class Photo:
    """An object that was read and, where it is a new one, decoded.

    Without a ``digest`` its bytes could not be read.
    """

    key: str
    tag: str
    data: bytes = b""
    digest: str = ""
    decoded: DecodedImage | None = None
    known: Image | None = None
    refusal: VisionError | StorageError | None = None

    @property
    def is_undelivered(self) -> bool:
        """Return whether the store did not deliver the object; archived objects do not count."""
        is_archived = isinstance(self.refusal, ObjectArchived)
        return isinstance(self.refusal, NOT_DELIVERED) and not is_archived


DetectedPhoto = tuple[Photo, list[DetectedFace]]


def store_photos(
    objects: list[tuple[str, str]],
    *,
    run: Run,
    context: PipelineContext,
    known: Mapping[str, Image],
    check: Callable[[], None],
) -> Counter[str]:
    """Write images and faces of objects (key, tag); return the increments of the run's counts.

    Pipelined over three chunks: one is read, one is in the models, one is written. ``check`` is
    called before each write and stops the work by raising.
    """
    counts: Counter[str] = Counter()
    writing: Future[Counter[str]] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="write") as writer:
        for photos in read_photos(objects, known=known, context=context):
            _check_store_delivers(photos, run=run, context=context)
            seen = detect_photos(photos, context=context)
            if writing is not None:
                counts += writing.result()
            check()
            writing = writer.submit(write_photos, seen, run=run, context=context)
        if writing is not None:
            counts += writing.result()
    return counts


def read_photos(
    objects: list[tuple[str, str]], *, known: Mapping[str, Image], context: PipelineContext
) -> Iterator[list[Photo]]:
    """Read and decode objects (key, tag) in threads, one chunk ahead of the models."""
    with ThreadPoolExecutor(READ_THREADS, thread_name_prefix="read") as pool:

        def start(chunk: Sequence[tuple[str, str]]) -> list[Future[Photo]]:
            return [
                pool.submit(_read_photo, key, tag, known=known.get(key), context=context)
                for key, tag in chunk
            ]

        ahead: list[Future[Photo]] = []
        for first in range(0, len(objects), CHUNK):
            now, ahead = ahead, start(objects[first : first + CHUNK])
            if now:
                yield [future.result() for future in now]
        yield [future.result() for future in ahead]


def known_images(keys: Sequence[str], *, run: Run) -> dict[str, Image]:
    """Return the stored images by the same models, by key; none for a ``full`` run."""
    if run.full:
        return {}
    ids = [Image.id_for(run.collection, key) for key in keys]
    return {image.key: image for image in Image.objects(id__in=ids) if image.model == run.model}


def _read_photo(key: str, tag: str, *, known: Image | None, context: PipelineContext) -> Photo:
    """Read and decode one object unless its content is known; a refusal is a value."""
    digest = ""
    try:
        data = context.bucket.read(key, max_bytes=context.engine.settings.limits.max_bytes)
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and known.state == ImageState.READ and known.digest == digest:
            return Photo(key, tag, digest=digest, known=known)
        decoded = context.engine.decode(data)
    except (VisionError, *NOT_DELIVERED, ObjectTooLarge) as refusal:
        return Photo(key, tag, digest=digest, refusal=refusal)
    return Photo(key, tag, data=data, digest=digest, decoded=decoded)


def _check_store_delivers(photos: list[Photo], *, run: Run, context: PipelineContext) -> None:
    """Raise Unavailable if photos cannot be read because the whole collection is unavailable.

    After a folder was moved or a disk was unmounted, the prefix is empty; with rejected
    credentials, listing it fails. A store that delivers neither the objects of this chunk nor any
    other known photo is treated as unavailable.
    """
    out = [photo for photo in photos if photo.is_undelivered]
    failing = [one.refusal for one in out if isinstance(one.refusal, ObjectFailing)]
    if failing and not any(photo.digest for photo in photos):
        tried = {photo.key for photo in photos}
        if not _delivers_others(tried, run=run, context=context):
            raise failing[0]
    if out and context.bucket.is_empty(CollectionName.parse(run.collection).prefix):
        raise CollectionAway(run.collection)


def _delivers_others(tried: set[str], *, run: Run, context: PipelineContext) -> bool:
    """Say whether the store delivers a known photo that is not one of the ``tried`` keys.

    One damaged object may be the only one of its batch; without this probe the run would wait for
    it for ever.
    """
    max_bytes = context.engine.settings.limits.max_bytes
    readable = (
        image.key
        for image in iter_collection_images(run.collection)
        if image.key not in tried and image.state == ImageState.READ and not image.reason
    )
    for key in islice(readable, PROBES):
        try:
            context.bucket.read(key, max_bytes=max_bytes)
        except NOT_DELIVERED:
            continue
        except ObjectTooLarge:  # its headers were delivered
            return True
        return True
    return False


def detect_photos(photos: list[Photo], *, context: PipelineContext) -> list[DetectedPhoto]:
    """Detect the faces of a chunk of photos; refused and known photos have none."""
    decoded = [photo.decoded for photo in photos if photo.decoded is not None]
    found = iter(context.engine.faces(decoded))
    return [(photo, [] if photo.decoded is None else next(found)) for photo in photos]


def write_photos(seen: list[DetectedPhoto], *, run: Run, context: PipelineContext) -> Counter[str]:
    """Write the faces and images of a chunk; return the increments of the run's counts."""
    now = timezone.now()
    pairs = [
        (new_face(face, photo, run=run, index=index, now=now), face)
        for photo, faces in seen
        for index, face in enumerate(faces)
    ]
    for document, face in pairs:
        context.crops.save(document.id, encode_crop(face.crop))
    documents = [document for document, _ in pairs]
    if documents:
        context.vectors.upsert(
            run.embedder,
            [face.id for face in documents],
            np.stack([face.vector for _, face in pairs]),
            face_payloads(documents, run=run),
        )
    bulk_upsert(Face, documents)
    bulk_upsert(Image, _image_documents(seen, run=run, now=now))
    return Counter(
        done=len(seen),
        decoded=sum(photo.decoded is not None for photo, _ in seen),
        failed=sum(photo.refusal is not None for photo, _ in seen),
        faces=len(documents),
    )


def face_payloads(faces: list[Face], *, run: Run) -> list[dict[str, str]]:
    """Return the filter fields of vectors; members of the current run keep run and cluster."""
    seen = current_members(run.collection, [face.id for face in faces])
    return [
        {
            "collection": face.collection,
            "key": face.key,
            "run": seen[face.id].run if face.id in seen else "",
            "cluster": seen[face.id].cluster if face.id in seen else "",
            "verdict": face.verdict.value,
        }
        for face in faces
    ]


def _image_documents(seen: list[DetectedPhoto], *, run: Run, now: datetime) -> list[Image]:
    """Return the image documents of photos that were decoded, known, or refused."""
    kept = _kept_images([photo for photo, _ in seen if photo.refusal is not None], run=run)
    images = []
    for photo, faces in seen:
        image = kept.get(photo.key) or photo.known or new_image(photo, run=run, faces=len(faces))
        if photo.known is not None:
            image.tag = photo.tag
        if photo.refusal is not None:
            _mark_unreadable(image, reason=photo.refusal.code, detail=str(photo.refusal))
        elif image.reason:
            image.reason, image.detail, image.skip_sort_key = "", "", None
        image.looked_at = now  # type: ignore[assignment]  # a field is its value
        images.append(image)
    return images


def _kept_images(photos: list[Photo], *, run: Run) -> dict[str, Image]:
    """Return the stored images of refused photos, by key, whose known faces are kept.

    They are kept if the bytes could not be read, or are unchanged: then a limit or the decoder has
    changed, not the photo. A photo with new content loses its old faces.
    """
    refused = {Image.id_for(run.collection, photo.key): photo for photo in photos}
    return {
        image.key: image
        for image in (Image.objects(id__in=list(refused)) if refused else ())
        if image.state == ImageState.READ and refused[image.id].digest in ("", image.digest)
    }


def new_image(photo: Photo, *, run: Run, faces: int) -> Image:
    """Return the image document of a photo that was decoded or refused."""
    image = Image(
        id=Image.id_for(run.collection, photo.key),
        collection=run.collection,
        key=photo.key,
        sort_key=collection_sort_key(run.collection, photo.key),
        tag=photo.tag,
        model=run.model,
    )
    if photo.refusal is not None:
        image.state = ImageState.SKIPPED
        return image
    if photo.decoded is not None:
        image.width, image.height = photo.decoded.width, photo.decoded.height
        image.format, image.taken = photo.decoded.format, photo.decoded.taken
    image.digest, image.size, image.faces = photo.digest, len(photo.data), faces
    return image


def _mark_unreadable(image: Image, *, reason: str, detail: str) -> None:
    """Record on an image why it could not be read."""
    image.reason, image.detail = reason, detail
    image.skip_sort_key = image.sort_key


def skip_photo(key: str, tag: str, *, run: Run, refusal: StorageError) -> None:
    """Record why a photo was not read; its known faces are kept."""
    photo = Photo(key, tag, refusal=refusal)
    bulk_upsert(Image, _image_documents([(photo, [])], run=run, now=timezone.now()))


def new_face(face: DetectedFace, photo: Photo, *, run: Run, index: int, now: datetime) -> Face:
    """Return the document of one detected face."""
    face_id = Face.id_for(
        run.collection, photo.key, digest=photo.digest, model=run.model, index=index
    )
    return Face(
        id=face_id,
        collection=run.collection,
        sort_key=collection_sort_key(run.collection, face_id),
        image=Image.id_for(run.collection, photo.key),
        key=photo.key,
        taken=photo.decoded.taken if photo.decoded is not None else "",
        index=index,
        bbox=[round(float(side), 2) for side in face.bbox],
        landmarks=[]
        if face.landmarks is None
        else [round(float(v), 2) for v in face.landmarks.ravel()],
        confidence=face.confidence,
        size=face.quality.size,
        blur=face.quality.blur,
        pose=face.quality.pose,
        quality_score=face.quality.score,
        verdict=Verdict.POOR if face.reason else Verdict.KEPT,
        reason=face.reason or "",
        model=run.model,
        embedder=run.embedder,
        created_at=now,
    )
