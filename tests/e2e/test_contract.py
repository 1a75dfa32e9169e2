"""The schema checked against the running product: no 500, no undescribed response."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

SECONDS = 100
SEEDED = ("Ariel_Sharon", "Colin_Powell")


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    """A product with data, and without the rate limits that a fuzzer would hit."""
    root = tmp_path_factory.mktemp("contract")
    for person in SEEDED:
        shutil.copytree(
            FACES / "lfw10" / person, root / "buckets" / "photos" / "summer-2024" / person
        )
    with Product(
        root,
        BUCKETS_ROOT=root / "buckets",
        FACEADMIN_MODELS=model_files,
        REQUESTS_PER_MINUTE=1_000_000,
        FAILED_LOGINS_PER_MINUTE=1_000_000,
    ).up() as running:
        running.cluster("photos/summer-2024")
        yield running


def test_random_requests_valid_and_not_are_answered_as_described(product):
    key = product.key()
    enrol(product, key)

    ended = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            *("--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run"),
            f"{product.address}/api/schema/",
            *("--header", f"Authorization: Token {key}"),
            *("--checks", "all"),
            # What a schema cannot say refuses valid data too: no face in the photo, a name taken.
            *("--exclude-checks", "positive_data_acceptance"),
            *("--max-time", str(SECONDS)),
            *("--continue-on-failure", "--no-color", "--no-shrink"),
            *("--warnings", "off"),
        ],
        cwd=product.data,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS * 3,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-2_000:]
    assert "Traceback" not in product.said()


def enrol(product, key):
    photo = min((FACES / "lfw10" / SEEDED[0]).iterdir())
    answer = httpx.post(
        f"{product.address}/detect-face",
        headers={"Authorization": f"Token {key}"},
        data={"user_id": "ada.lovelace"},
        files={"file": photo.open("rb")},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
