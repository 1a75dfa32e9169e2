"""The adapters a run works with, opened at the edge and handed down."""

from __future__ import annotations

from dataclasses import dataclass

from storage.buckets import Bucket
from storage.crops import CropStore
from storage.vectors import VectorStore
from vision import FaceEngine


@dataclass(frozen=True)
class Tools:
    """Where the photos come from, what reads them, and where the faces go."""

    bucket: Bucket
    engine: FaceEngine
    vectors: VectorStore
    crops: CropStore
    graphs: CropStore
    index_above: int  # faces; beyond it the vector store's index says who may be near whom
    removals_max_share: float = 0.25  # of the known photos, that a run removes unasked
