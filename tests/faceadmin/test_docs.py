"""The description of the REST resources: valid, complete, readable without the internet."""

import json

import pytest
from drf_spectacular.validation import validate_schema

pytestmark = pytest.mark.django_db

METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture
def schema(viewer):
    return viewer.get("/api/schema/").json()


def operations(schema):
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def test_the_schema_is_valid_openapi(schema):
    validate_schema(schema)

    assert schema["openapi"].startswith("3.")


def test_every_operation_has_a_summary_an_example_and_its_refusals(schema):
    for name, operation in operations(schema):
        assert operation.get("summary"), name
        assert operation.get("tags"), name
        assert {"401", "403", "429", "503"} <= operation["responses"].keys(), name
        assert has_example(operation), name


def test_every_refusal_is_the_one_shape(schema):
    for name, operation in operations(schema):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                found = answer["content"]["application/json"]["schema"]
                assert found["$ref"].startswith("#/components/schemas/"), (name, status)


def test_every_field_has_a_description(schema):
    lacking = [
        f"{name}.{field}"
        for name, component in schema["components"]["schemas"].items()
        for field, described in component.get("properties", {}).items()
        if not described.get("description")
    ]

    assert lacking == []


def test_every_parameter_has_a_description(schema):
    lacking = [
        f"{name} {parameter['name']}"
        for name, operation in operations(schema)
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]

    assert lacking == []


def test_the_schema_names_no_view_it_cannot_describe(viewer, capsys):
    viewer.get("/api/schema/")

    assert "Warning" not in capsys.readouterr().err


def test_a_stranger_gets_neither_schema_nor_docs(client):
    assert client.get("/api/schema/").status_code == 401
    assert client.get("/api/docs/").status_code == 401


def test_the_page_loads_nothing_from_elsewhere(page_of):
    page = page_of("viewer").get("/api/docs/").content.decode()

    assert "http://" not in page
    assert "https://" not in page
    assert "<style" not in page
    assert "<script>" not in page


def has_example(operation):
    """Say whether a body that is sent or answered is shown, or there is no body at all."""
    answers = [operation["responses"][one] for one in operation["responses"] if int(one) < 400]
    bodies = [answer for answer in answers if "content" in answer]
    binary = [one for one in bodies if "application/json" not in one["content"] or is_binary(one)]
    shown = [one for one in bodies if '"example' in json.dumps(one)]
    return not bodies or bool(shown) or bodies == binary


def is_binary(answer):
    schema = answer["content"]["application/json"]["schema"]
    return schema.get("format") == "binary"
