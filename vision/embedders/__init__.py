"""Turn aligned crops of faces into unit vectors; `make_embedder` chooses the code for a model."""

from vision.embedders.base import Embedder
from vision.embedders.making import make_embedder

__all__ = ["Embedder", "make_embedder"]
