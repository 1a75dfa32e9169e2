"""Every answer is what the description says: no field more or less, and of its type."""

import json

import jsonschema
import pytest
from drf_spectacular.generators import SchemaGenerator

from clustering.selectors import iter_collection_faces

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def described():
    """The description, its nullable parts said as JSON Schema says them."""
    return nulls_allowed(SchemaGenerator().get_schema(request=None, public=True))


def nulls_allowed(part):
    if isinstance(part, list):
        return [nulls_allowed(one) for one in part]
    if not isinstance(part, dict):
        return part
    part = {name: nulls_allowed(value) for name, value in part.items()}
    is_refusal = part.get("required") == ["code", "detail"]  # which may say more
    if part.get("type") == "object" and "properties" in part and not is_refusal:
        part["additionalProperties"] = False
    return {"anyOf": [part, {"type": "null"}]} if part.pop("nullable", None) else part


def check(described, answer, path, *, method="get"):
    """Hold an answer against what is said of its address, method and status."""
    operation = described["paths"][path][method]
    content = operation["responses"][str(answer.status_code)]["content"]
    kind = answer["Content-Type"].partition(";")[0]
    assert kind in {said.partition(";")[0] for said in content}, kind
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    schema = {**content["application/json"]["schema"], "components": described["components"]}
    jsonschema.validate(json.loads(text), schema)


@pytest.fixture
def collection(active_engine):
    """A collection with everything: people, noise, a poor face, a broken photo, two runs."""
    for number in range(3):
        active_engine.paint(f"p{number}.png", 1, shade=number)
    active_engine.paint("alone.png", 2, 3, blurred=(3,))
    (active_engine.folder / "broken.png").write_text("no photo")
    active_engine.run()
    active_engine.current = active_engine.run(full=True)
    return active_engine


def test_answers_about_a_collection_are_as_described(collection, described, viewer, admin):
    where = {"bucket": collection.name.bucket, "sub": collection.name.sub}
    for path in (
        "/cluster-status-db/{bucket}/{sub}",
        "/verify-fixed-storage/{bucket}/{sub}",
        "/api/v1/collections/{bucket}/{sub}/",
    ):
        check(described, viewer.get(path.format(**where)), path)
    details = "/cluster-details-db/{bucket}/{sub}/{cluster_id}"
    for cluster in ("cluster_0", "noise", "cluster_9", "nonsense"):
        check(described, viewer.get(details.format(**where, cluster_id=cluster)), details)
    verify = "/verify-fixed-storage/{bucket}/{sub}"
    check(described, admin.post(verify.format(**where)), verify, method="post")
    check(described, viewer.get("/api/v1/collections/"), "/api/v1/collections/")
    path = "/api/v1/collections/{bucket}/{sub}/"
    check(described, viewer.delete(path.format(**where)), path, method="delete")
    check(described, admin.delete(path.format(**where)), path, method="delete")


def test_answers_about_runs_are_as_described(
    collection, described, viewer, reviewer, admin, monkeypatch
):
    monkeypatch.setattr("clustering.services.enqueue_run", lambda _: None)
    path = "/cluster-bucket-with-db/{bucket}/{sub}"
    url = f"/cluster-bucket-with-db/{collection.name.path}"
    queued = reviewer.post(url)
    check(described, queued, path, method="post")
    check(described, reviewer.post(url), path, method="post")
    of, ids = "/api/v1/runs/{run_id}/", (queued.json()["clustering_id"], collection.current.id)
    for run_id in (*ids, "nonsense"):
        check(described, viewer.get(of.format(run_id=run_id)), of)
        skipped = f"{of}skipped/"
        check(described, viewer.get(skipped.format(run_id=run_id)), skipped)
        for action in (f"{of}cancel/", f"{of}resume/"):
            check(described, reviewer.post(action.format(run_id=run_id)), action, method="post")
        check(described, admin.delete(of.format(run_id=run_id)), of, method="delete")
    query = f"?collection={collection.name.path}"
    check(described, viewer.get(f"/api/v1/runs/{query}"), "/api/v1/runs/")
    status = "/cluster-status-db/{bucket}/{sub}"
    check(described, viewer.get(f"/cluster-status-db/{collection.name.path}"), status)


def test_answers_about_faces_and_exports_are_as_described(collection, described, viewer):
    of = "/api/v1/faces/{face_id}/"
    for face in iter_collection_faces(collection.name.path):
        check(described, viewer.get(of.format(face_id=face.id)), of)
    check(described, viewer.get(of.format(face_id="nonsense")), of)
    export = "/api/v1/export/clusters/"
    check(described, viewer.get(f"{export}?run={collection.current.id}&format=json"), export)
    check(described, viewer.get(export), export)
