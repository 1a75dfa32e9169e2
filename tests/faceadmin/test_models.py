"""The page of models, and the models in every footer."""

from dataclasses import replace

import pytest

from vision import CATALOGUE

pytestmark = pytest.mark.django_db


def test_an_admin_sees_every_model_with_checksum_and_licence(page_of):
    body = page_of("admin").get("/models/").content.decode()

    for entry in CATALOGUE.values():
        assert entry.id in body
        assert entry.sha256 in body
    assert "MIT" in body


def test_missing_models_are_told_in_the_footer_and_fail_no_page(page_of, settings, tmp_path):
    settings.VISION = replace(settings.VISION, models=(), cache=tmp_path, detector="yolov8n-face")

    answer = page_of("admin").get("/models/")

    assert answer.status_code == 200
    assert "no models" in answer.content.decode()


def test_the_navigation_offers_the_page_to_admins_only(page_of):
    assert 'href="/models/"' in page_of("admin").get("/models/").content.decode()
    assert 'href="/models/"' not in page_of("viewer").get("/models/").content.decode()
