"""The painted engine of clustering's tests, with a threshold for the same person and real boxes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from tests.clustering.painted import PaintedEngine, painted_photo

SAME_PERSON = 0.8


class PeopleEngine(PaintedEngine):
    """Reads painted photos; similarity about 0.997 within a person, 0 between two."""

    entry = SimpleNamespace(cluster_eps=0.1, same_person_threshold=SAME_PERSON)

    def __init__(self, embedder_id="painted-vectors"):
        super().__init__()
        self.embedder_id = embedder_id
        self.model = f"painted+{embedder_id}"

    def _face(self, person, blur, column, *, shade):
        face = super()._face(person, blur, column, shade=shade)
        quality = replace(face.quality, score=0.5 + (shade % 50) / 100)
        crop = np.full((8, 8, 3), person, np.uint8)
        return replace(face, bbox=(10.0, 5.0, 100.0, 120.5), quality=quality, crop=crop)


def photo_of(*people, **kind):
    """Return a painted photo of people, as bytes."""
    return painted_photo(*people, **kind)
