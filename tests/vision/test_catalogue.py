"""The catalogue is complete: every model says where it is from and which thresholds are its own."""

import pytest

from vision.models.catalogue import CATALOGUE, Job, PypiSource, UrlSource

entries = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=str)


def test_an_entry_reads_as_its_id():
    assert {f"{entry}" for entry in CATALOGUE.values()} == set(CATALOGUE)


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        CATALOGUE["mine"] = None


@entries
def test_digests_are_whole(entry):
    assert len(bytes.fromhex(entry.sha256)) == 32
    if isinstance(entry.source, PypiSource):
        assert len(bytes.fromhex(entry.source.archive_sha256)) == 32
        assert entry.source.member.endswith(entry.file)


@entries
def test_addresses_are_encrypted(entry):
    if isinstance(entry.source, UrlSource):
        assert entry.source.url.startswith("https://")


@entries
def test_only_embedders_have_thresholds(entry):
    numbers = (entry.same_person_threshold, entry.cluster_eps, entry.assignment_threshold)

    if entry.job is Job.DETECT:
        assert (entry.dimension, *numbers) == (0, 0, 0, 0)
    else:
        assert entry.dimension > 0
        assert all(0 < number < 1 for number in numbers)
