"""The documents and vectors of a finished run, generated without any photo."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np

from clustering.documents import (
    NOISE,
    Cluster,
    ClusterSizes,
    Collection,
    Face,
    Image,
    ImageState,
    Member,
    Run,
    RunState,
    cluster_sort_key,
    collection_sort_key,
)
from clustering.merge_suggestions import MergeSuggestions
from profiles.documents import (
    Profile,
    ReferencePhoto,
    reference_sort_key,
    search_key,
    vector_to_bytes,
)
from profiles.gallery import mark_profiles_changed
from storage.mongo import bulk_upsert
from storage.pictures import face_crop_store
from storage.vectors import face_vector_store
from vision import encode_crop
from web.pagination import encode_cursor

MODEL, EMBEDDER = "benchmark+vectors", "benchmark-vectors"
FACES_PER_IMAGE, FACES_PER_PERSON = 3, 10
SKIPPED_PART, NOISE_PART, LARGEST_PART = 0.05, 0.05, 0.3
OLDER_RUNS = 5
PAIRS_ASKED = 1000
WRITE_SLICE = 2000
NOW = datetime(2026, 5, 1, tzinfo=UTC)


class StoredCollection:
    """``faces`` faces, three per photo; a third is one person, the others have ten faces each."""

    def __init__(self, path: str, *, faces: int, dimension: int) -> None:
        self.path, self.dimension = path, dimension
        self.run_id = f"{faces:024x}"
        self.keys = [
            f"{path.partition('/')[2]}/{row // FACES_PER_IMAGE:06d}.jpg" for row in range(faces)
        ]
        self.ids = [
            Face.id_for(path, key, digest="", model=MODEL, index=row % FACES_PER_IMAGE)
            for row, key in enumerate(self.keys)
        ]
        self.sizes = list(_sizes(faces))

    def write(self) -> None:
        """Write all documents and vectors."""
        _write(Image, self._images())
        _write(Face, self._faces())
        _write(Member, self._members())
        _write(Cluster, self._clusters())
        _write(ClusterSizes, [self._cluster_sizes()])
        _write(Run, self._runs())
        _write(Collection, [self._collection()])
        self._write_vectors()

    def write_people(self, number: int) -> None:
        """Write known people with one random template each, and merge suggestions."""
        maker = np.random.default_rng(1)
        table = maker.normal(size=(number, self.dimension)).astype(np.float32)
        table /= np.linalg.norm(table, axis=1, keepdims=True)
        people = [_profile(row, vector) for row, vector in enumerate(table)]
        _write(Profile, people)
        _write(ReferencePhoto, [_reference(one) for one in people])
        mark_profiles_changed()
        pairs = [
            (f"cluster_{one}", f"cluster_{one + 1}", 0.9)
            for one in range(0, min(len(self.sizes) - 2, PAIRS_ASKED), 2)
        ]
        bulk_upsert(MergeSuggestions, [MergeSuggestions(run=self.run_id, rows=json.dumps(pairs))])

    def sample_faces(self, number: int) -> list[str]:
        """Return evenly spaced face ids, after writing their crops."""
        step = max(len(self.ids) // number, 1)
        some = self.ids[::step][:number]
        crop = encode_crop(np.full((256, 256, 3), 128, np.uint8))
        for face_id in some:
            face_crop_store().save(face_id, crop)
        return some

    def later_cursors(self, number: int) -> list[str]:
        """Return evenly spaced cursors of the largest cluster, each followed by a full page."""
        label, size = self.sizes[0]
        ranks = np.linspace(0, size - 101, number).astype(int)
        return [encode_cursor(Member.sort_key_for(self.run_id, label, rank)) for rank in ranks]

    def _images(self) -> Iterator[Image]:
        found = Counter(self.keys)
        read = list(found)
        broken = [f"{key}.broken.jpg" for key in read[: int(len(read) * SKIPPED_PART)]]
        for key in (*read, *broken):
            place, skipped = collection_sort_key(self.path, key), key.endswith("broken.jpg")
            yield Image(
                id=Image.id_for(self.path, key),
                collection=self.path,
                key=key,
                sort_key=place,
                skip_sort_key=place if skipped else None,
                tag="1",
                size=2_000_000,
                width=4032,
                height=3024,
                format="JPEG",
                state=ImageState.SKIPPED if skipped else ImageState.READ,
                reason="unreadable_image" if skipped else "",
                faces=found[key],
                model=MODEL,
                looked_at=NOW,
            )

    def _faces(self) -> Iterator[Face]:
        for row, (face_id, key) in enumerate(zip(self.ids, self.keys, strict=True)):
            yield Face(
                id=face_id,
                collection=self.path,
                sort_key=collection_sort_key(self.path, face_id),
                image=Image.id_for(self.path, key),
                key=key,
                index=row % FACES_PER_IMAGE,
                bbox=[120.5, 64.25, 96.0, 121.75],
                landmarks=[float(value) for value in range(10)],
                confidence=0.93,
                size=96.0,
                blur=412.5,
                pose=0.9,
                quality_score=0.81,
                model=MODEL,
                embedder=EMBEDDER,
                created_at=NOW,
            )

    def _members(self) -> Iterator[Member]:
        rows = iter(zip(self.ids, self.keys, strict=True))
        for label, size in self.sizes:
            for rank, (face_id, key) in enumerate(islice(rows, size)):
                yield Member(
                    id=Member.id_for(self.run_id, face_id),
                    run=self.run_id,
                    face=face_id,
                    key=key,
                    taken=f"20{rank % 25:02d}-05-01T12:{rank % 60:02d}:00",
                    cluster=label,
                    base=label,
                    sort_key=Member.sort_key_for(self.run_id, label, rank),
                    similarity=0.7 if rank % 50 == 7 else 0.9,  # some outliers
                )

    def _clusters(self) -> Iterator[Cluster]:
        rows = iter(zip(self.ids, self.keys, strict=True))
        for rank, (label, size) in enumerate(self.sizes):
            members = list(islice(rows, size))
            yield Cluster(
                id=Cluster.id_for(self.run_id, label),
                run=self.run_id,
                label=label,
                person=self._person(label),
                person_sort_key=Cluster.person_sort_key_for(self.run_id, self._person(label)),
                sort_key=cluster_sort_key(self.run_id, None if label == NOISE else rank),
                face_count=size,
                image_count=len({key for _, key in members}),
                covers=[face for face, _ in members[:4]],
                cohesion=0.8,
            )

    def _person(self, label: str) -> str:
        return "" if label == NOISE else f"{self.run_id}-{label}"

    def _cluster_sizes(self) -> ClusterSizes:
        people = ((label, size, size) for label, size in self.sizes if label != NOISE)
        return ClusterSizes(run=self.run_id, rows=ClusterSizes.rows_of(people))

    def _runs(self) -> Iterator[Run]:
        for age in range(OLDER_RUNS, -1, -1):
            run_id = f"{age:08x}{self.run_id[8:]}"
            begun = NOW - timedelta(hours=age)
            yield Run(
                id=run_id,
                collection=self.path,
                sort_key=collection_sort_key(self.path, f"{begun.timestamp():017.6f}/{run_id}"),
                state=RunState.FINISHED,
                eps=0.35,
                min_samples=2,
                algorithm="dbscan",
                batch_size=30,
                max_concurrent=12,
                detector="benchmark",
                embedder=EMBEDDER,
                model=MODEL,
                dimension=self.dimension,
                thresholds={"min_face_size": 30, "min_confidence": 0.4, "blur_threshold": 50},
                created_at=begun,
                started_at=begun,
                finished_at=begun,
                heartbeat=begun,
                forgotten=age > 0,
                stats=self._stats(),
                skipped={"unreadable_image": int(len(set(self.keys)) * SKIPPED_PART)},
            )

    def _stats(self) -> dict[str, object]:
        people = [size for label, size in self.sizes if label != NOISE]
        return {
            "total_images": len(set(self.keys)),
            "total_faces": len(self.ids),
            "num_clusters": len(people),
            "noise_count": self.sizes[-1][1],
            "refused_faces": 0,
            "faces_without_vectors": 0,
            "avg_faces_per_image": float(FACES_PER_IMAGE),
            "avg_cluster_size": round(sum(people) / len(people), 4),
            "largest_cluster_size": people[0],
            "cluster_size_distribution": {"small (2-5)": 0, "medium (6-15)": len(people) - 1}
            | {"large (16+)": 1},
        }

    def _collection(self) -> Collection:
        bucket, _, sub = self.path.partition("/")
        return Collection(
            path=self.path,
            bucket=bucket,
            sub=sub,
            current_run=self.run_id,
            newest_run=self.run_id,
            updated_at=NOW,
        )

    def _write_vectors(self) -> None:
        vectors, maker = face_vector_store(), np.random.default_rng(0)
        vectors.ensure(EMBEDDER, self.dimension)
        labels = [label for label, size in self.sizes for _ in range(size)]
        for first in range(0, len(self.ids), WRITE_SLICE):
            rows = slice(first, first + WRITE_SLICE)
            table = maker.normal(size=(len(self.ids[rows]), self.dimension)).astype(np.float32)
            table /= np.linalg.norm(table, axis=1, keepdims=True)
            payloads = [
                {
                    "collection": self.path,
                    "key": key,
                    "run": self.run_id,
                    "cluster": label,
                    "verdict": "kept",
                }
                for key, label in zip(self.keys[rows], labels[rows], strict=True)
            ]
            vectors.upsert(EMBEDDER, self.ids[rows], table, payloads)


def _profile(row: int, template: np.ndarray) -> Profile:
    user_id, name = f"person-{row:04d}", f"Person {row:04d}"
    return Profile(
        user_id=user_id,
        sort_key=user_id,
        name=name,
        search=search_key(name, user_id),
        search_id=search_key(user_id, user_id),
        origin=user_id,
        references=[f"photo-of-{user_id}"],
        template=vector_to_bytes(template),
        embedder=EMBEDDER,
        model=MODEL,
        dimension=len(template),
        confidence=0.9,
        quality_score=0.9,
        created_at=NOW,
        updated_at=NOW,
    )


def _reference(profile: Profile) -> ReferencePhoto:
    [photo] = profile.references
    return ReferencePhoto(
        id=photo,
        user_id=profile.user_id,
        sort_key=reference_sort_key(profile.user_id, photo),
        digest=photo,
        vector=profile.template,
        embedder=EMBEDDER,
        model=MODEL,
        bbox=[120.5, 64.25, 96.0, 121.75],
        confidence=0.9,
        size=96.0,
        blur=412.5,
        pose=0.9,
        quality_score=0.9,
        width=4032,
        height=3024,
        created_at=NOW,
    )


def _sizes(faces: int) -> Iterator[tuple[str, int]]:
    """Yield labels and sizes of the clusters, the largest first, noise last."""
    noise, largest = int(faces * NOISE_PART), int(faces * LARGEST_PART)
    yield "cluster_0", largest
    left, number = faces - noise - largest, 1
    while left >= FACES_PER_PERSON:
        yield f"cluster_{number}", FACES_PER_PERSON
        left, number = left - FACES_PER_PERSON, number + 1
    yield NOISE, noise + left


def _write(kind: type, documents: object) -> None:
    """Write documents in slices."""
    waiting = iter(documents)
    while some := list(islice(waiting, WRITE_SLICE)):
        bulk_upsert(kind, some)
