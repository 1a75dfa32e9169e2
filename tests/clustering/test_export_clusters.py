"""GET /api/v1/export/clusters/."""

import csv
import io
import json

import pytest

from clustering import export
from clustering.documents import Face, Member
from clustering.outputs.faces import ExportedFaceOutput

pytestmark = pytest.mark.services

URL = "/api/v1/export/clusters/"


@pytest.fixture
def finished(painted):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
    painted.paint("alone.png", 2)
    return painted.run()


def text_of(answer):
    return b"".join(answer.streaming_content).decode()


def test_csv_has_a_face_a_line(painted, finished, viewer):
    answer = viewer.get(URL, {"run": finished.id})

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="clusters-{finished.id}.csv"'
    rows = list(csv.DictReader(io.StringIO(text_of(answer))))
    assert list(rows[0]) == [
        "clustering_id",
        "cluster_id",
        "face_id",
        "image_path",
        "bbox",
        "confidence",
        "quality",
        "similarity",
        "verdict",
    ]
    assert [row["cluster_id"] for row in rows] == ["cluster_0"] * 3 + ["noise"]
    assert json.loads(rows[0]["bbox"]) == [0.0, 0.0, 1.0, 1.0]
    assert {row["image_path"] for row in rows} == {
        painted.key(name) for name in ("p0.png", "p1.png", "p2.png", "alone.png")
    }


def test_json_says_the_same_for_the_current_run_of_a_collection(painted, finished, viewer):
    answer = viewer.get(URL, {"collection": painted.name.path, "format": "json"})

    assert answer["Content-Type"] == "application/json"
    body = json.loads(text_of(answer))
    assert (body["clustering_id"], body["bucket_path"]) == (finished.id, painted.name.path)
    assert len(body["faces"]) == 4
    assert body["faces"][0].keys() == ExportedFaceOutput().fields.keys()


def test_it_streams_slice_by_slice_and_reads_no_further_than_it_is_read(
    finished, viewer, monkeypatch
):
    monkeypatch.setattr(export, "SLICE", 1)
    asked = []
    faces_by_id = export.get_faces_by_id
    monkeypatch.setattr(
        export, "get_faces_by_id", lambda ids: asked.append(ids) or faces_by_id(ids)
    )

    answer = viewer.get(URL, {"run": finished.id})
    content = iter(answer.streaming_content)
    next(content), next(content)

    assert answer.streaming
    assert len(asked) == 1
    assert len(list(content)) == 3
    assert len(asked) == 4


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(finished, viewer, sign):
    member = Member.objects(cluster="noise").first()
    Face.objects(id=member.face).update_one(set__key=f"{sign}cmd|' /C calc'!A0")

    rows = csv.DictReader(io.StringIO(text_of(viewer.get(URL, {"run": finished.id})), newline=""))

    assert [row["image_path"] for row in rows][-1] == f"'{sign}cmd|' /C calc'!A0"


def test_a_run_without_faces_gives_a_head_and_an_empty_list(painted, viewer):
    photo = painted.paint("a.png", 1)
    painted.run()
    photo.unlink()
    empty = painted.run()

    lines = text_of(viewer.get(URL, {"run": empty.id})).splitlines()
    body = json.loads(text_of(viewer.get(URL, {"run": empty.id, "format": "json"})))

    assert len(lines) == 1
    assert body["faces"] == []


def test_a_run_without_clusters_is_404(painted, viewer):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    old = painted.run()
    painted.paint("c.png", 1, shade=2)
    painted.run(runs_kept=1)
    working = painted.start(full=True)

    for run in (old, working):
        answer = viewer.get(URL, {"run": run.id})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_groups")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        (f"run={'0' * 24}&collection=a/b", 422),
        ("run=nonsense", 422),
        (f"run={'0' * 24}&format=xml", 422),
        (f"run={'0' * 24}&format=csv&format=json", 422),
        ("collection=nonsense", 422),
        (f"collection=a/{'x' * 2000}", 422),
        (f"run={'0' * 24}", 404),
        ("collection=nobody/knows", 404),
    ],
)
def test_bad_input_is_refused_as_json(stores, viewer, query, status):
    answer = viewer.get(f"{URL}?{query}", HTTP_ACCEPT="text/csv")

    assert answer.status_code == status
    assert answer.json().keys() >= {"detail", "code"}


def test_a_stranger_exports_nothing(finished, client):
    assert client.get(URL, {"run": finished.id}).status_code == 401
