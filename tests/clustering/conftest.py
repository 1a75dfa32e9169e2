"""A collection of painted photos over the real stores."""

import uuid
from dataclasses import replace

import pytest

from clustering.context import PipelineContext, RunModels
from clustering.parameters import RunParameters
from clustering.pipeline.step import NextTask, run_step
from clustering.run_lifecycle import create_run
from clustering.selectors import get_run, iter_runs
from storage.buckets import open_bucket
from storage.names import CollectionName
from storage.pictures import face_crop_store, face_graph_store
from storage.vectors import face_vector_store
from tests.clustering.painted import DIMENSION, PaintedEngine, painted_photo


class Painted:
    """One collection: paint photos into it, run it, ask what came out."""

    def __init__(self, root):
        self.name = CollectionName("painted", f"c{uuid.uuid4().hex[:10]}")
        self.folder = root / self.name.bucket / self.name.sub
        self.folder.mkdir(parents=True)
        self.engine = PaintedEngine()
        self.bucket = open_bucket(self.name.bucket)
        self.vectors = face_vector_store()
        self.vectors.ensure(self.engine.embedder_id, DIMENSION)
        self.crops = face_crop_store()

    def paint(self, file, *people, **kind):
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(painted_photo(*people, **kind))
        return path

    def key(self, file):
        return f"{self.name.sub}/{file}"

    def start(self, **parameters):
        parameters.setdefault("eps", 0.1)
        return create_run(
            self.name,
            parameters=RunParameters(**parameters),
            bucket=self.bucket,
            models=RunModels(
                detector=self.engine.detector_id,
                embedder=self.engine.embedder_id,
                model=self.engine.model,
                dimension=DIMENSION,
                eps=0.1,
                thresholds=self.engine.settings.thresholds,
            ),
            started_by="test",
        )

    def context(self, **other):
        context = PipelineContext(
            bucket=self.bucket,
            engine=self.engine,
            vectors=self.vectors,
            crops=self.crops,
            graphs=face_graph_store(),
            index_above=10_000,
        )
        return replace(context, **other)

    def advance(self, run, *, runs_kept=3, **other):
        """Take a run one step, as a worker would."""
        fresh = get_run(run.id)
        return run_step(fresh, build_context=lambda _: self.context(**other), runs_kept=runs_kept)

    def finish(self, run, **kind):
        """Take a run to its end."""
        while self.advance(run, **kind) != NextTask.NOTHING:
            pass
        return get_run(run.id)

    def runs(self):
        return list(iter_runs(self.name.path))

    def run(self, *, runs_kept=3, **parameters):
        return self.finish(self.start(**parameters), runs_kept=runs_kept)


@pytest.fixture
def painted(stores, settings, tmp_path):
    settings.BUCKETS_ROOT = tmp_path / "buckets"
    return Painted(settings.BUCKETS_ROOT)


class PaintedInS3(Painted):
    """The same over an S3 service whose faults can be switched."""

    def __init__(self, root, service):
        super().__init__(root)
        self.service = service
        service.make(self.name.bucket)

    def paint(self, file, *people, **kind):
        self.service.put(self.name.bucket, self.key(file), painted_photo(*people, **kind))
        return self.key(file)


@pytest.fixture
def painted_in_s3(stores, faulty_s3, tmp_path):
    return PaintedInS3(tmp_path / "buckets", faulty_s3)


@pytest.fixture
def active_engine(painted, monkeypatch):
    """Make the painted engine the active one, for code that builds its own context."""
    monkeypatch.setattr("clustering.context.get_engine", lambda _: painted.engine)
    return painted
