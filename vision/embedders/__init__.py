"""Embedders: aligned crops of faces to unit vectors; `make_embedder` selects the class."""

from vision.embedders.base import Embedder
from vision.embedders.making import make_embedder

__all__ = ["Embedder", "make_embedder"]
