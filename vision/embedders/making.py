"""Factory of embedders."""

from __future__ import annotations

from vision.embedders.base import Embedder
from vision.embedders.dlib_resnet import DlibEmbedder
from vision.embedders.facenet import FacenetEmbedder
from vision.models.catalogue import Family, ModelEntry
from vision.models.sessions import Session


def make_embedder(entry: ModelEntry, session: Session) -> Embedder:
    """Return the embedder of a catalogue entry for a session of its graph."""
    kind: type[DlibEmbedder | FacenetEmbedder]
    kind = DlibEmbedder if entry.family is Family.DLIB else FacenetEmbedder
    return kind(entry, session)
