"""Dependency container of the pipeline, built from the settings. Called by tasks and services."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from clustering.documents import Run
from storage.buckets import Bucket, open_bucket
from storage.errors import ModelMismatch
from storage.names import CollectionName
from storage.pictures import PictureStore, face_crop_store, face_graph_store
from storage.vectors import VectorStore, face_vector_store
from vision import CATALOGUE, FaceEngine, QualityThresholds, get_engine


def active_run_models() -> RunModels:
    """Return the active models, which new runs use, with their parameters."""
    engine = get_engine(settings.VISION)
    return RunModels(
        detector=engine.detector_id,
        embedder=engine.embedder_id,
        model=engine.model,
        dimension=engine.dimension,
        eps=engine.entry.cluster_eps,
        thresholds=settings.VISION.thresholds,
    )


def build_context(run: Run) -> PipelineContext:
    """Open a run's bucket, models and stores; raise ModelMismatch if the models have changed."""
    engine = get_engine(settings.VISION)
    if engine.model != run.model:
        raise ModelMismatch(
            f"The run was started with {run.model}, but the current models are {engine.model}; "
            "start a new run."
        )
    vectors = face_vector_store()
    vectors.ensure(run.embedder, engine.dimension)
    return PipelineContext(
        bucket=open_bucket(CollectionName.parse(run.collection).bucket),
        engine=engine,
        vectors=vectors,
        crops=face_crop_store(),
        graphs=face_graph_store(),
        index_above=settings.GROUPING_INDEX_ABOVE,
        removals_max_share=settings.REMOVALS_MAX_SHARE,
    )


def embedder_dimensions(run: Run) -> dict[str, int]:
    """Return the vector size of every embedder that may have stored vectors."""
    return {**_catalogued(), run.embedder: run.dimension}


def known_embedders() -> list[str]:
    """Return the embedders of the catalogue, any of which may have stored vectors."""
    return list(_catalogued())


def _catalogued() -> dict[str, int]:
    return {one.id: one.dimension for one in CATALOGUE.values() if one.dimension}


@dataclass(frozen=True)
class RunModels:
    """The models of a run with their parameters; ``eps`` is the embedder's cosine distance."""

    detector: str
    embedder: str
    model: str
    dimension: int
    eps: float
    thresholds: QualityThresholds


@dataclass(frozen=True)
class PipelineContext:
    """Bucket, engine and stores of a run."""

    bucket: Bucket
    engine: FaceEngine
    vectors: VectorStore
    crops: PictureStore
    graphs: PictureStore
    index_above: int  # faces; beyond it the vector store's index says who may be near whom
    removals_max_share: float = 0.25  # of the known photos, that a run removes unasked
