"""A person who is never alone in a photo: detected, grouped and named."""

import io
from dataclasses import dataclass

import httpx
import pytest
from PIL import Image

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

SHY = "Colin_Powell"
OTHERS = ("Ariel_Sharon", "George_W_Bush", "Hugo_Chavez")
PANEL = (25, 15, 225, 235)  # of a labelled photo, whose face is in its middle, px
WIDTH = PANEL[2] - PANEL[0]
BYSTANDERS = ("Ariel_Sharon_0004", "Ariel_Sharon_0009", "George_W_Bush_0009", "Colin_Powell_0010")
COLLECTION = "press/parties"
GROUPS = {
    "parties/two-1.png": (SHY, OTHERS[0]),
    "parties/two-2.png": (OTHERS[0], SHY),
    "parties/two-3.png": (OTHERS[1], SHY),
    "parties/three-1.png": (OTHERS[0], SHY, OTHERS[1]),
    "parties/three-2.png": (SHY, OTHERS[1], OTHERS[2]),
    "parties/deep/three 3.png": (OTHERS[2], OTHERS[0], SHY),
    "parties/without-1.png": (OTHERS[1], OTHERS[2]),
    "parties/alone-1.png": (OTHERS[0],),
    "parties/alone-2.png": (OTHERS[1],),
}
WITH_SHY = {key for key, people in GROUPS.items() if SHY in people}


class Photos:
    """The labelled photos of each person, each used once."""

    def __init__(self):
        self._left = {person: alone(person) for person in (SHY, *OTHERS)}

    def next(self, person):
        """Return a person's next photo, cut to their head and shoulders."""
        return Image.open(self._left[person].pop(0)).convert("RGB").crop(PANEL)

    def beside_each_other(self, people):
        """Return one photo with a face of each person, from left to right."""
        panels = [self.next(person) for person in people]
        photo = Image.new("RGB", (sum(one.width for one in panels), panels[0].height))
        for place, panel in enumerate(panels):
            photo.paste(panel, (place * WIDTH, 0))
        return photo


def alone(person):
    """Return the photos that show only this person."""
    photos = sorted((FACES / "lfw10" / person).iterdir())
    return [one for one in photos if one.stem not in BYSTANDERS]


@dataclass(frozen=True)
class Party:
    """A product with the photos, clustered, and what is left to enrol by."""

    client: httpx.Client
    photos: Photos
    result: dict

    def send(self, person, photo):
        file = io.BytesIO()
        photo.save(file, "PNG")
        form = {"data": {"user_id": person}, "files": {"file": ("photo.png", file.getvalue())}}
        return self.client.post("/detect-face", **form)

    def details(self, cluster_id):
        return self.client.get(f"/cluster-details-db/{COLLECTION}/{cluster_id}").json()

    def cluster_ids(self):
        status = self.client.get(f"/cluster-status-db/{COLLECTION}").json()
        return [one["cluster_id"] for one in status["cluster_details"]]

    def assign(self, **query):
        answer = self.client.post(f"/assignments/{COLLECTION}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["assignments"]


@pytest.fixture(scope="module")
def party(tmp_path_factory, model_files):
    root, photos = tmp_path_factory.mktemp("parties"), Photos()
    for key, people in GROUPS.items():
        path = root / "buckets" / "press" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        photos.beside_each_other(people).save(path)
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        headers = {"Authorization": f"Bearer {running.key()}"}
        with httpx.Client(base_url=running.address, headers=headers, timeout=120) as client:
            done = client.post(f"/cluster-bucket-with-db/{COLLECTION}", params={"wait": 100})
            assert done.status_code == 200, done.text
            yield Party(client, photos, done.json())


@pytest.fixture(scope="module")
def named(party):
    """Enrol every person with a single photo and return the profile of each cluster."""
    for person in (SHY, *OTHERS):
        made = party.send(person, party.photos.next(person))
        assert made.status_code == 201, made.text
    return party.assign(strategy="centroid")


def place_of(face):
    """Return the position of a face from the left."""
    x, _, width, _ = face["bbox"]
    return int((x + width / 2) // WIDTH)


def shown_people(details):
    """Return the people of a cluster's faces, from their positions in the photos."""
    return {GROUPS[face["image_path"]][place_of(face)] for face in details["faces"]}


def test_every_face_beside_another_is_found(party):
    assert party.result["stats"]["total_images"] == len(GROUPS)
    assert party.result["stats"]["total_faces"] == sum(map(len, GROUPS.values()))
    assert not party.result["stats"]["skipped"]


def test_a_person_who_is_never_alone_has_one_cluster_without_other_faces(party):
    clusters = [party.details(one) for one in party.cluster_ids()]
    theirs = [one for one in clusters if SHY in shown_people(one)]

    assert [shown_people(one) for one in theirs] == [{SHY}]
    assert set(theirs[0]["image_paths"]) == WITH_SHY
    assert theirs[0]["total_faces"] == len(WITH_SHY) == theirs[0]["cluster_size"]


def test_a_photo_is_in_the_cluster_of_each_person_in_it(party):
    for key, people in GROUPS.items():
        clusters = [one for one in party.result["clusters"] if key in one]
        in_noise = party.result["noise"].count(key)

        assert len(clusters) + in_noise == len(people)


def test_a_photo_of_several_people_is_not_enrolled(party):
    both = Image.open(io.BytesIO(image_of(party, "parties/two-1.png")))

    refused = party.send("both", both)

    assert (refused.status_code, refused.json()["code"]) == (422, "several_faces")
    assert len(refused.json()["debug_info"]["faces"]) == 2
    assert party.client.get("/debug-profile/both").status_code == 404


def image_of(party, key):
    faces = [face for one in party.cluster_ids() for face in party.details(one)["faces"]]
    face = next(face for face in faces if face["image_path"] == key)
    return party.client.get(face["image_url"]).content


def test_one_photo_of_them_names_their_cluster(party, named):
    [(cluster_id, found)] = [pair for pair in named.items() if pair[1]["user_id"] == SHY]

    details = party.details(cluster_id)
    assert shown_people(details) == {SHY}
    assert set(found["image_paths"]) == WITH_SHY
    assert set(found["face_ids"]) == set(details["face_ids"])
    assert found["face_count"] == len(WITH_SHY)
    assert found["runner_up"]["user_id"] in OTHERS


def test_no_cluster_is_named_after_a_neighbour(party, named):
    assert {one["user_id"] for one in named.values()} == {SHY, *OTHERS}
    for cluster_id, found in named.items():
        assert shown_people(party.details(cluster_id)) == {found["user_id"]}


def test_votes_name_them_as_well(party, named):
    by_vote = party.assign(strategy="vote", overwrite="true", dry_run="true")

    [found] = [one for one in by_vote.values() if one["user_id"] == SHY]
    assert set(found["image_paths"]) == WITH_SHY


def test_their_photos_are_listed_with_each_key(party, named):
    of_one = party.client.get(f"/assignments/user/{SHY}").json()
    summary = party.client.get(f"/debug-profile/{SHY}").json()["assignments"]

    [row] = of_one["assignments"]
    assert (of_one["total_clusters"], of_one["total_faces"]) == (1, len(WITH_SHY))
    assert of_one["bucket_breakdown"] == {COLLECTION: {"clusters": 1, "faces": len(WITH_SHY)}}
    assert summary["bucket_breakdown"] == of_one["bucket_breakdown"]
    assert (row["bucket_path"], row["face_count"]) == (COLLECTION, len(WITH_SHY))
    details = party.details(row["cluster_id"])
    assert details["clustering_id"] == row["clustering_id"]
    assert {face["image_path"] for face in details["faces"]} == WITH_SHY
    assert set(details["image_paths"]) == WITH_SHY


def test_their_crops_show_their_face_alone(party, named):
    [row] = party.client.get(f"/assignments/user/{SHY}").json()["assignments"]
    for face in party.details(row["cluster_id"])["faces"]:
        crop = party.client.get(face["crop_url"])

        assert crop.status_code == 200
        assert crop.headers["Content-Type"] == "image/jpeg"
        width, height = Image.open(io.BytesIO(crop.content)).size
        assert width < WIDTH * 2
        assert height >= 50
