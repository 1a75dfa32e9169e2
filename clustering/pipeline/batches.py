"""A batch of objects becomes images, faces, vectors and crops; it may run twice and changes nothing.

Order of writing: crop, vector, face, and the image last, because an image that is written is not
looked at again. Everything has an id derived from what it is, so a repetition rewrites itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from clustering.documents import Batch, BatchState, Face, Image, ImageState, Run, Verdict
from clustering.documents import collection_place
from clustering.leases import Lease, lease_is_live, lease_take
from clustering.pipeline.tools import Tools
from storage.errors import ObjectTooLarge, ObjectUnreadable, ObjectVanished
from storage.mongo import bulk_upsert
from vision import DecodedImage, DetectedFace, VisionError, crop_encode

CHUNK = 8
READ_THREADS = 4
MAX_ATTEMPTS = 3
CLAIM_LOOK = 16
MAX_KEYS = 100


@dataclass(frozen=True)
class _Photo:
    """An object that was read and, where it is a new one, decoded."""

    key: str
    tag: str
    data: bytes = b""
    digest: str = ""
    decoded: DecodedImage | None = None
    known: Image | None = None
    refusal: Exception | None = None


def batches_left(run_id: str) -> bool:
    """Say whether any batch of the run still has to be done."""
    return any(
        Batch.objects(claim=Batch.claim_key(run_id, state)).only("id").first() is not None
        for state in (BatchState.PENDING, BatchState.CLAIMED)
    )


def batch_claim(run_id: str) -> Batch | None:
    """Take a waiting batch, or one whose worker has died; None when there is none to take."""
    pending = Batch.objects(claim=Batch.claim_key(run_id, BatchState.PENDING))
    claimed = Batch.objects(claim=Batch.claim_key(run_id, BatchState.CLAIMED))
    for candidates in (pending, claimed):
        for batch in candidates.limit(CLAIM_LOOK):
            if lease_is_live(batch):
                continue
            taken = lease_take(
                batch,
                set__claim=Batch.claim_key(run_id, BatchState.CLAIMED),
                set__state=BatchState.CLAIMED,
                inc__attempts=1,
            )
            if taken is not None:
                return taken
    return None


def batch_release(batch: Batch, lease: Lease, *, blameless: bool) -> None:
    """Give a batch back undone; a blameless one (a store was away) does not count as an attempt."""
    lease.commit(
        set__claim=Batch.claim_key(batch.run, BatchState.PENDING),
        set__state=BatchState.PENDING,
        set__attempts=batch.attempts - 1 if blameless else batch.attempts,
    )


def batch_work(batch: Batch, *, run: Run, lease: Lease, tools: Tools) -> bool:
    """Read a claimed batch and count it on its run, once; False if the lease was lost at the end."""
    if batch.attempts > MAX_ATTEMPTS and len(batch.keys) > 1:
        return _split(batch, lease=lease)
    counts: Counter[str] = Counter()
    if batch.attempts > MAX_ATTEMPTS:
        _record_skip(
            batch.keys[0],
            batch.tags[0],
            run=run,
            reason="crashed",
            detail=("Reading this photo failed in an unforeseen way, three times."),
        )
        counts.update(done=1, failed=1)
    else:
        objects = list(zip(batch.keys, batch.tags, strict=True))
        for photos in _photos(objects, known=_known_images(batch, run=run), tools=tools):
            lease.check()
            _photos_store(photos, run=run, tools=tools, counts=counts)
    done = Batch.claim_key(batch.run, BatchState.DONE)
    if not lease.commit(set__claim=done, set__state=BatchState.DONE):
        return False
    Run.objects(id=run.id).update_one(
        set__heartbeat=timezone.now(),
        set__waiting_for="",
        **{f"inc__{name}": number for name, number in counts.items() if number},
    )
    return True


def photos_look_again(keys: Sequence[str], *, run: Run, tools: Tools) -> None:
    """Read stored photos anew, whatever is known of them, and rewrite their faces."""
    tags = {
        image.key: image.tag
        for first in range(0, len(keys), MAX_KEYS)
        for image in Image.objects(
            id__in=[Image.id_for(run.collection, key) for key in keys[first : first + MAX_KEYS]]
        )
    }
    objects = [(key, tags.get(key, "")) for key in keys]
    for photos in _photos(objects, known={}, tools=tools):
        _photos_store(photos, run=run, tools=tools, counts=Counter())


def _split(batch: Batch, *, lease: Lease) -> bool:
    """Replace a batch that keeps killing its worker by single photos, to find the culprit."""
    lease.check()
    bulk_upsert(
        Batch,
        [
            Batch(
                id=f"{batch.id}.{number:02d}",
                run=batch.run,
                claim=Batch.claim_key(batch.run, BatchState.PENDING),
                keys=[key],
                tags=[tag],
            )
            for number, (key, tag) in enumerate(zip(batch.keys, batch.tags, strict=True))
        ],
    )
    done = Batch.claim_key(batch.run, BatchState.DONE)
    return lease.commit(set__claim=done, set__state=BatchState.DONE)


def _photos(
    objects: list[tuple[str, str]], *, known: Mapping[str, Image], tools: Tools
) -> Iterator[list[_Photo]]:
    """Read and decode objects (key, tag) in threads, one chunk ahead of the models."""
    with ThreadPoolExecutor(READ_THREADS, thread_name_prefix="read") as pool:

        def start(chunk: Sequence[tuple[str, str]]) -> list[Future[_Photo]]:
            return [
                pool.submit(_photo_read, key, tag, known=known.get(key), tools=tools)
                for key, tag in chunk
            ]

        ahead: list[Future[_Photo]] = []
        for first in range(0, len(objects), CHUNK):
            now, ahead = ahead, start(objects[first : first + CHUNK])
            if now:
                yield [future.result() for future in now]
        yield [future.result() for future in ahead]


def _known_images(batch: Batch, *, run: Run) -> dict[str, Image]:
    """Return what is stored of a batch's objects and was made by the same models, unless all is asked anew."""
    if run.full:
        return {}
    ids = [Image.id_for(run.collection, key) for key in batch.keys]
    return {image.key: image for image in Image.objects(id__in=ids) if image.model == run.model}


def _photo_read(key: str, tag: str, *, known: Image | None, tools: Tools) -> _Photo:
    """Read one object and decode it, unless its content is known; a refusal comes back as a value."""
    try:
        data = tools.bucket.read(key, max_bytes=tools.engine.settings.limits.max_bytes)
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and known.state == ImageState.READ and known.digest == digest:
            return _Photo(key, tag, digest=digest, known=known)
        decoded = tools.engine.decode(data)
    except (VisionError, ObjectVanished, ObjectUnreadable, ObjectTooLarge) as refusal:
        return _Photo(key, tag, refusal=refusal)
    return _Photo(key, tag, data=data, digest=digest, decoded=decoded)


def _photos_store(photos: list[_Photo], *, run: Run, tools: Tools, counts: Counter[str]) -> None:
    """Find the faces of a chunk and write everything, the images last."""
    decoded = [photo for photo in photos if photo.decoded is not None]
    found = tools.engine.faces([photo.decoded for photo in decoded if photo.decoded is not None])
    now = timezone.now()
    faces: list[Face] = []
    images = [_image_of(photo, run=run, now=now, faces=0) for photo in photos if not photo.decoded]
    vectors = []
    for photo, detected in zip(decoded, found, strict=True):
        images.append(_image_of(photo, run=run, now=now, faces=len(detected)))
        for index, face in enumerate(detected):
            document = _face_of(face, photo, run=run, index=index, now=now)
            tools.crops.save(document.id, crop_encode(face.crop))
            faces.append(document)
            vectors.append(face.vector)
    tools.vectors.upsert(
        run.embedder, [face.id for face in faces], vectors, [_payload(face) for face in faces]
    )
    bulk_upsert(Face, faces)
    bulk_upsert(Image, images)
    counts.update(
        done=len(photos),
        decoded=len(decoded),
        failed=sum(photo.refusal is not None for photo in photos),
        faces=len(faces),
    )


def _payload(face: Face) -> dict[str, str]:
    """Return what the vector store filters by; run and cluster follow when a run is switched to."""
    return {
        "collection": face.collection,
        "key": face.key,
        "run": "",
        "cluster": "",
        "verdict": str(face.verdict),
    }


def _image_of(photo: _Photo, *, run: Run, now: datetime, faces: int) -> Image:
    """Return the image document of a photo that was decoded, known, or refused."""
    if photo.known is not None:
        photo.known.tag = photo.tag
        photo.known.looked_at = now
        return photo.known
    image = Image(
        id=Image.id_for(run.collection, photo.key),
        collection=run.collection,
        key=photo.key,
        place=collection_place(run.collection, photo.key),
        tag=photo.tag,
        model=run.model,
        looked_at=now,
    )
    if photo.refusal is not None:
        return _mark_skipped(image, reason=photo.refusal.code, detail=str(photo.refusal))
    if photo.decoded is not None:
        image.width, image.height = photo.decoded.width, photo.decoded.height
        image.format = photo.decoded.format
    image.digest, image.size, image.faces = photo.digest, len(photo.data), faces
    return image


def _mark_skipped(image: Image, *, reason: str, detail: str) -> Image:
    """Note on an image why it was not read."""
    image.state = ImageState.SKIPPED
    image.reason, image.detail = reason, detail
    image.skip_place = image.place
    return image


def _record_skip(key: str, tag: str, *, run: Run, reason: str, detail: str) -> None:
    """Write one image as skipped."""
    photo = _Photo(key, tag)
    image = _image_of(photo, run=run, now=timezone.now(), faces=0)
    bulk_upsert(Image, [_mark_skipped(image, reason=reason, detail=detail)])


def _face_of(face: DetectedFace, photo: _Photo, *, run: Run, index: int, now: datetime) -> Face:
    """Return the document of one detected face."""
    face_id = Face.id_for(
        run.collection, photo.key, digest=photo.digest, model=run.model, index=index
    )
    return Face(
        id=face_id,
        collection=run.collection,
        place=collection_place(run.collection, face_id),
        image=Image.id_for(run.collection, photo.key),
        key=photo.key,
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
