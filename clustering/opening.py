"""Open what clustering works with, as the settings say. Only tasks and edges call this."""

from __future__ import annotations

from django.conf import settings

from clustering.documents import Run
from clustering.pipeline import Tools
from clustering.services import ModelsInForce
from storage.buckets import open_bucket
from storage.crops import face_crops, face_graphs
from storage.errors import ModelMismatch
from storage.names import CollectionName
from storage.vectors import face_vectors
from vision import CATALOGUE, get_engine


def models_in_force() -> ModelsInForce:
    """Return the models new runs are made with, and their numbers."""
    engine = get_engine(settings.VISION)
    return ModelsInForce(
        detector=engine.detector_id,
        embedder=engine.embedder_id,
        model=engine.model,
        dimension=engine.dimension,
        eps=engine.entry.cluster_eps,
        thresholds=settings.VISION.thresholds,
    )


def tools_open(run: Run) -> Tools:
    """Open a run's bucket, models and stores; refuse models it was not started with."""
    engine = get_engine(settings.VISION)
    if engine.model != run.model:
        raise ModelMismatch(
            f"The run was started with {run.model}, but {engine.model} is in force now; "
            "start a new run."
        )
    vectors = face_vectors()
    vectors.ensure(run.embedder, engine.dimension)
    return Tools(
        bucket=open_bucket(CollectionName.parse(run.collection).bucket),
        engine=engine,
        vectors=vectors,
        crops=face_crops(),
        graphs=face_graphs(),
        index_above=settings.GROUPING_INDEX_ABOVE,
        removals_max_share=settings.REMOVALS_MAX_SHARE,
    )


def embedder_dimensions(run: Run) -> dict[str, int]:
    """Return the vector size of every embedder that may have left vectors."""
    return {**_catalogued(), run.embedder: run.dimension}


def embedders_known() -> list[str]:
    """Return the embedders of the catalogue, any of which may have left vectors."""
    return list(_catalogued())


def _catalogued() -> dict[str, int]:
    """Return the catalogue's embedders and their vector sizes."""
    return {one.id: one.dimension for one in CATALOGUE.values() if one.dimension}
