"""One contract for every store of vectors that can run here."""

import os
import uuid

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient

from storage.errors import (
    CredentialsRefused,
    InvalidName,
    InvalidVectors,
    ModelMismatch,
    StoreUnavailable,
)
from storage.vectors import face_vector_store
from storage.vectors.base import VectorStore
from storage.vectors.embedded.client import EmbeddedDriver, embedded_vectors
from storage.vectors.qdrant import QdrantDriver, qdrant_vectors

pytestmark = [
    pytest.mark.services,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect"),
]
DIMENSION = 64


SERVER = ["server"] if os.environ.get("QDRANT_URL") else []


@pytest.fixture(params=["embedded", "client in memory", *SERVER])
def vectors(request):
    if request.param == "embedded":
        yield embedded_vectors(request.getfixturevalue("qdrant_socket"))
    elif request.param == "server":
        yield qdrant_vectors(os.environ["QDRANT_URL"], os.environ.get("QDRANT_API_KEY", ""))
    else:
        # Speaks the server's models, without a server.
        client = QdrantClient(location=":memory:")
        yield VectorStore(QdrantDriver(client))
        client.close()


@pytest.fixture
def model():
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def unit(rng, count, dimension=DIMENSION):
    table = rng.normal(size=(count, dimension)).astype(np.float32)
    return table / np.linalg.norm(table, axis=1, keepdims=True)


def new_ids(count):
    return [str(uuid.uuid4()) for _ in range(count)]


def payloads(count, **fields):
    words = {"collection": "b/c", "key": "c/a b.jpg", "run": "", "cluster": "", "verdict": "kept"}
    return [{**words, **fields} for _ in range(count)]


@pytest.fixture
def stored(vectors, model, rng):
    """Thirty faces in two collections: ids and their vectors."""
    ids, table = new_ids(30), unit(rng, 30)
    vectors.ensure(model, DIMENSION)
    vectors.upsert(model, ids[:20], table[:20], payloads(20, run="r1", cluster="cluster_0"))
    vectors.upsert(model, ids[20:], table[20:], payloads(10, collection="b/ünï kød"))
    return ids, table


def everything(vectors, model, where, **kind):
    found = {}
    for ids, table in vectors.iter_vectors(model, where, **kind):
        assert table.dtype == np.float32
        assert len(ids) == len(table)
        assert not found.keys() & set(ids)
        found.update(zip(ids, table, strict=True))
    return found


def test_a_vector_comes_back_as_it_went_in(vectors, model, stored):
    ids, table = stored

    found = vectors.retrieve(model, [*ids, str(uuid.uuid4()), "no-uuid"])

    assert found.keys() == set(ids)
    for face_id, vector in zip(ids, table, strict=True):
        assert found[face_id].dtype == np.float32
        np.testing.assert_allclose(found[face_id], vector, atol=1e-6)


def test_writing_again_replaces_vector_and_payload(vectors, model, stored, rng):
    ids, _ = stored
    other = unit(rng, 1)

    for _ in range(2):
        vectors.upsert(model, ids[:1], other, [{"collection": "b/new"}])

    assert vectors.count(model, {}) == 30
    np.testing.assert_allclose(vectors.retrieve(model, ids[:1])[ids[0]], other[0], atol=1e-6)
    [[(face_id, payload)]] = vectors.iter_payloads(model, {"collection": "b/new"})
    assert (face_id, payload) == (ids[0], {"collection": "b/new"})


@pytest.mark.parametrize("batch", [1, 7, 20, 1000])
def test_iterating_yields_every_vector_once(vectors, model, stored, batch):
    ids, table = stored

    found = everything(vectors, model, {"collection": "b/c"}, batch=batch)

    assert found.keys() == set(ids[:20])
    np.testing.assert_allclose(found[ids[3]], table[3], atol=1e-6)


def test_iterating_yields_every_payload_once(vectors, model, stored):
    ids, _ = stored

    found = [one for page in vectors.iter_payloads(model, {}, batch=7) for one in page]

    assert sorted(face_id for face_id, _ in found) == sorted(ids)
    assert dict(found)[ids[25]] == payloads(1, collection="b/ünï kød")[0]


def test_removing_while_iterating_loses_nothing_that_stays(vectors, model, stored):
    ids, _ = stored
    seen = []

    for page, _ in vectors.iter_vectors(model, {}, batch=5):
        seen += page
        vectors.delete(model, page)

    assert sorted(seen) == sorted(ids)
    assert vectors.count(model, {}) == 0


def test_search_gives_the_cosine_best_first(vectors, model, stored):
    ids, table = stored
    cosines = table[:20] @ table[3]

    hits = vectors.search(model, table[3], limit=5, where={"collection": "b/c"})

    order = np.argsort(-cosines)[:5]
    assert [hit.id for hit in hits] == [ids[index] for index in order]
    np.testing.assert_allclose([hit.similarity for hit in hits], cosines[order], atol=1e-5)
    assert hits[0].payload["cluster"] == "cluster_0"
    assert all(-1 <= hit.similarity <= 1 for hit in hits)


def test_the_opposite_vector_has_similarity_minus_one(vectors, model, stored):
    _, table = stored

    hits = vectors.search(model, -table[0], limit=30, where={})

    assert len(hits) == 30
    assert hits[-1].similarity == pytest.approx(-1, abs=1e-5)


def test_filters_are_equality_and_any_of(vectors, model, stored):
    ids, _ = stored
    vectors.set_payload(model, ids[:5], {"cluster": "cluster_1"})

    assert vectors.count(model, {"cluster": "cluster_1"}) == 5
    assert vectors.count(model, {"cluster": ["cluster_0", "cluster_1"]}) == 20
    assert vectors.count(model, {"cluster": "cluster_1", "collection": "b/ünï kød"}) == 0
    assert vectors.count(model, {"cluster": []}) == 0
    assert vectors.count(model, {"cluster": ""}) == 10
    assert everything(vectors, model, {"cluster": []}) == {}
    assert vectors.search(model, np.ones(DIMENSION), limit=3, where={"cluster": []}) == []


def test_setting_a_payload_leaves_the_other_fields_and_the_vector(vectors, model, stored):
    ids, table = stored

    vectors.set_payload(model, [*ids[:5], str(uuid.uuid4()), "no-uuid"], {"verdict": "ignored"})

    [page] = vectors.iter_payloads(model, {"verdict": "ignored"})
    assert {face_id for face_id, _ in page} == set(ids[:5])
    expected = payloads(1, run="r1", cluster="cluster_0", verdict="ignored")[0]
    assert all(payload == expected for _, payload in page)
    np.testing.assert_allclose(vectors.retrieve(model, ids[:1])[ids[0]], table[0], atol=1e-6)


def test_facet_counts_values(vectors, model, stored):
    ids, _ = stored
    vectors.set_payload(model, ids[:5], {"cluster": "cluster_1"})

    found = vectors.facet(model, "cluster", {"collection": "b/c"})

    assert found == {"cluster_0": 15, "cluster_1": 5}


def test_facet_counts_more_values_than_a_servers_default(vectors, model, rng):
    words = [payloads(1, cluster=f"cluster_{index}")[0] for index in range(300)]
    vectors.upsert(model, new_ids(300), unit(rng, 300), words)

    assert len(vectors.facet(model, "cluster", {})) == 300


def test_deleting_twice_is_as_good_as_once(vectors, model, stored):
    ids, _ = stored

    for _ in range(2):
        vectors.delete(model, [*ids[:10], "no-uuid"])

    assert everything(vectors, model, {}).keys() == set(ids[10:])


def test_an_unknown_model_reads_as_empty(vectors, model):
    assert vectors.dimension(model) is None
    assert vectors.retrieve(model, new_ids(1)) == {}
    assert everything(vectors, model, {}) == {}
    assert list(vectors.iter_payloads(model, {})) == []
    assert vectors.search(model, np.ones(DIMENSION), limit=3, where={}) == []
    assert vectors.count(model, {"run": "r"}) == 0
    assert vectors.facet(model, "run", {}) == {}
    vectors.delete(model, new_ids(1))
    vectors.set_payload(model, new_ids(1), {"run": "r"})
    assert vectors.dimension(model) is None


def test_ensure_may_be_repeated_and_refuses_another_dimension(vectors, model):
    vectors.ensure(model, DIMENSION)
    vectors.ensure(model, DIMENSION)

    assert vectors.dimension(model) == DIMENSION
    with pytest.raises(ModelMismatch, match=model):
        vectors.ensure(model, DIMENSION + 1)


def test_models_do_not_mix(vectors, model, stored, rng):
    other = f"{model}-b"
    vectors.upsert(other, new_ids(3), unit(rng, 3, 16), payloads(3))

    assert vectors.dimension(other) == 16
    assert vectors.count(other, {}) == 3
    assert vectors.count(model, {}) == 30


def test_wrong_vectors_are_refused_and_nothing_is_written(vectors, model, stored, rng):
    good = unit(rng, 2)
    refused = [
        (new_ids(2), unit(rng, 2, DIMENSION + 1), payloads(2)),
        (new_ids(2), np.where(good == good[0, 0], np.nan, good), payloads(2)),
        (new_ids(1), good, payloads(2)),
        (new_ids(2), good, payloads(1)),
        (["no-uuid", *new_ids(1)], good, payloads(2)),
        (new_ids(2), good, [{"colour": "red"}] * 2),
        (new_ids(2), good, [{"run": 7}] * 2),
    ]

    for case in refused:
        with pytest.raises(InvalidVectors):
            vectors.upsert(model, *case)
    with pytest.raises(InvalidVectors):
        vectors.search(model, np.ones(DIMENSION + 1), limit=1, where={})
    with pytest.raises(InvalidVectors):
        vectors.count(model, {"colour": "red"})
    assert vectors.count(model, {}) == 30


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a@b", "x" * 101, "-x"])
def test_a_model_with_an_odd_name_is_refused(vectors, name):
    with pytest.raises(InvalidName):
        vectors.ensure(name, DIMENSION)


def test_writing_nothing_is_fine(vectors, model):
    vectors.ensure(model, DIMENSION)

    vectors.upsert(model, [], np.zeros((0, DIMENSION), np.float32), [])
    vectors.delete(model, [])
    vectors.set_payload(model, [], {"run": "r"})

    assert vectors.count(model, {}) == 0


def test_more_faces_than_one_message_holds(vectors, model, rng):
    ids, table = new_ids(4500), unit(rng, 4500, 8)

    vectors.upsert(model, ids, table, payloads(4500))
    vectors.set_payload(model, ids, {"run": "r2"})

    assert vectors.count(model, {"run": "r2"}) == 4500
    assert len(vectors.retrieve(model, ids)) == 4500


def test_ping_answers(vectors):
    vectors.ping()


def test_settings_choose_the_store(settings, stores, qdrant_socket):
    settings.QDRANT_URL = ""
    assert isinstance(face_vector_store().driver, EmbeddedDriver)
    assert face_vector_store() is face_vector_store()

    settings.QDRANT_URL = "http://127.0.0.1:1"
    assert isinstance(face_vector_store().driver, QdrantDriver)


def over_http(answer, **kind):
    transport = httpx.MockTransport(answer)
    client = QdrantClient(
        url="http://qdrant.test", api_key="k", transport=transport, check_compatibility=False
    )
    return VectorStore(QdrantDriver(client, **kind))


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_refused_key_is_named_at_once(model):
    asked = []
    vectors = over_http(lambda request: asked.append(request) or httpx.Response(401, json={}))

    with pytest.raises(CredentialsRefused, match="QDRANT_API_KEY"):
        vectors.count(model, {})
    assert len(asked) == 1
    assert asked[0].headers["api-key"] == "k"


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_server_that_comes_back_is_waited_for(model):
    answers = [httpx.Response(503), httpx.Response(502)]
    no_collection = {"result": {"exists": False}, "status": "ok", "time": 0.0}

    vectors = over_http(
        lambda _: answers.pop() if answers else httpx.Response(200, json=no_collection)
    )

    assert vectors.count(model, {}) == 0
    assert not answers


def test_a_server_that_is_away_is_named(model):
    client = QdrantClient(url="http://127.0.0.1:1", timeout=1, check_compatibility=False)
    vectors = VectorStore(QdrantDriver(client, patience=0.2))

    with pytest.raises(StoreUnavailable, match="Qdrant") as refusal:
        vectors.count(model, {})
    assert refusal.value.store == "qdrant"
    with pytest.raises(StoreUnavailable):
        vectors.ping()
