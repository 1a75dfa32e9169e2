"""Search with painted photos, over the real stores."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.clustering.conftest import Painted
from tests.clustering.painted import DIMENSION
from tests.profiles.painted import PeopleEngine, photo_of

ADDRESS = "/api/v1/search/"
SHADE = 77  # of photos that are searched with: none that is stored has it


@pytest.fixture
def engine(monkeypatch):
    """An engine with a vector space of its own."""
    engine = PeopleEngine(f"search-{uuid.uuid4().hex[:12]}")
    monkeypatch.setattr("review.services.get_engine", lambda _: engine)
    return engine


@pytest.fixture
def paint(people, settings, engine):
    """Paint a collection and cluster it: photos as lists of people."""

    def paint(*photos, **kind):
        painted = Painted(settings.BUCKETS_ROOT)
        painted.engine = engine
        painted.vectors.ensure(engine.embedder_id, DIMENSION)
        for number, present in enumerate(photos):
            painted.paint(f"p{number}.png", *present, shade=number, **kind)
        painted.run()
        return painted

    return paint


@pytest.fixture
def post(people, viewer):
    """Send a form with a photo."""

    def post(photo=None, client=viewer, **fields):
        if photo is not None:
            fields["file"] = SimpleUploadedFile("photo.png", photo, "image/png")
        return client.post(ADDRESS, fields, format="multipart")

    return post


@pytest.fixture
def search(post):
    """Search with a photo of some people; return what was found of each face."""

    def search(*present, blurred=(), **fields):
        answer = post(photo_of(*present, blurred=blurred, shade=SHADE), **fields)
        assert answer.status_code == 200, answer.content
        return answer.json()["faces"]

    return search
