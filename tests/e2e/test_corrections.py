"""Twenty corrections on labelled photos: they hold after every kind of run; one is undone."""

import shutil

import httpx
import pytest
from PIL import Image

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

PATH = "faces/all"
FOLDERS = ("lfw10", "sitcom", "celebrities")
ORIENTATION = 0x0112
LATER = 2  # photos of each person of the first folder that come only at the end


class Reviewer:
    """Correct a collection over REST, and read the clusters of faces."""

    def __init__(self, client, root):
        self.client = client
        self.folder = root / PATH
        self.stands = []

    def look(self):
        """Read all faces, once for all that is asked until the next decision."""
        answer = self.client.get(
            "/api/v1/export/clusters/", params={"collection": PATH, "format": "json"}
        )
        assert answer.status_code == 200, answer.text
        rows = answer.json()["faces"]
        self.label = {row["face_id"]: row["cluster_id"] for row in rows}
        self.key = {row["face_id"]: row["image_path"] for row in rows}
        return self

    def of(self, person):
        """Return the faces of a person's photos that lie in that person's cluster."""
        mine = [face for face, key in self.key.items() if f"/{person}/" in key]
        labels = [self.label[face] for face in mine if self.label[face] != "noise"]
        most = max(sorted(set(labels)), key=labels.count)
        return most, [face for face in mine if self.label[face] == most]

    def decide(self, kind, stands, **asked):
        """Send a decision, and record the condition that has to hold from now on."""
        decision = {"kind": kind, **asked}
        body = {"collection": PATH, "decisions": [decision]}
        answer = self.client.post("/api/v1/decisions/", json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()["results"][0]["decision"]
        self.look()
        self.stands.append((f"{len(self.stands) + 1}: {kind}", stands))
        assert self.broken() == []
        return made

    def broken(self):
        """Return the corrections that do not hold."""
        self.look()
        return [name for name, stands in self.stands if not stands()]

    def together(self, *faces):
        labels = {self.label.get(face) for face in faces}
        return len(labels) == 1 and labels.isdisjoint({None, "noise"})

    def apart(self, face, others):
        return not any(self.together(face, other) for other in others)

    def verdict(self, face):
        return self.client.get(f"/api/v1/faces/{face}/").json()["verdict"]

    def cover(self, face):
        """Return the face that shows the cluster of a face."""
        cluster = self.client.get(f"/cluster-details-db/{PATH}/{self.label[face]}").json()
        return cluster["covers"][0]

    def user_of(self, face):
        """Return the profile assigned to the cluster of a face."""
        found = self.client.get(f"/assignments/{PATH}", params={"limit": 100}).json()
        held = {
            one["cluster_id"]: one["user_id"]
            for one in found["assignments"]
            if one["state"] == "confirmed"
        }
        return held.get(self.label.get(face))

    def refused(self, face):
        """Return the profiles rejected for the cluster of a face."""
        rows = self.client.get("/api/v1/assignments/", params={"collection": PATH}).json()
        held = {one["cluster_id"]: one["rejected"] for one in rows["assignments"]}
        return held.get(self.label.get(face), [])

    def enrol(self, user_id, person):
        """Enrol a person with the first photo that shows only them."""
        for photo in sorted((self.folder / "lfw10" / person).iterdir()):
            with photo.open("rb") as file:
                answer = self.client.post(
                    "/detect-face", data={"user_id": user_id}, files={"file": file}
                )
            if answer.status_code == 201:
                return
        raise AssertionError(answer.text)


def later_photos(root):
    """Return the last photos of each person of the first folder."""
    people = sorted((FACES / FOLDERS[0]).iterdir())
    kept = root / PATH / FOLDERS[0]
    return [
        kept / one.name / file.name for one in people for file in sorted(one.iterdir())[-LATER:]
    ]


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("corrections")
    for name in FOLDERS:
        shutil.copytree(FACES / name, root / "buckets" / PATH / name)
    for photo in later_photos(root / "buckets"):
        photo.unlink()
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        yield running


@pytest.fixture(scope="module")
def reviewer(product):
    root = product.data.parent / "buckets"
    headers = {"Authorization": f"Bearer {product.key()}"}
    with httpx.Client(base_url=product.address, headers=headers, timeout=120) as client:
        yield Reviewer(client, root)


def test_twenty_corrections_stand_and_one_is_undone(product, reviewer):
    product.cluster(PATH)
    undoable = twenty_corrections(reviewer.look())
    assert len(reviewer.stands) == 20

    product.cluster(PATH, "--full")
    assert reviewer.broken() == []
    for eps in ("0.06", "0.12"):
        product.cluster(PATH, "--eps", eps)
        assert reviewer.broken() == [], eps
    others, files = photos_changed(reviewer)
    product.cluster(PATH)
    assert reviewer.broken() == []
    for file in files:
        [again] = [face for face, key in reviewer.key.items() if key.endswith(file)]
        assert reviewer.apart(again, others), file

    one_undone(product, reviewer, undoable)
    rebuilt = product.command("rebuild_decisions", PATH)
    assert (rebuilt.returncode, "nothing changed" in rebuilt.stdout) == (0, True), rebuilt.stderr


def twenty_corrections(reviewer):
    """Correct the first run; return the decision that is undone in the end."""
    first = faces_out(reviewer)
    faces_elsewhere(reviewer)
    clusters(reviewer)
    profiles(reviewer)
    return first


def faces_out(reviewer):
    """1 to 8: faces that the grouping considers correct are removed."""
    label, bush = reviewer.of("George_W_Bush")
    others, made = bush[3:], []
    reviewer.bush, reviewer.rejected = others, bush[1:3]
    for face in bush[:3]:
        made.append(
            reviewer.decide(
                "reject",
                lambda face=face: reviewer.apart(face, others),
                faces=[face],
                cluster=label,
            )
        )
    _, chavez = reviewer.of("Hugo_Chavez")
    reviewer.decide(
        "not_a_face", lambda: reviewer.verdict(chavez[0]) == "not_a_face", faces=chavez[:1]
    )
    reviewer.decide(
        "ignore",
        lambda: [reviewer.verdict(one) for one in chavez[1:3]] == ["ignored"] * 2,
        faces=chavez[1:4],
    )
    reviewer.decide(
        "restore",
        lambda: reviewer.together(chavez[3], chavez[4]),
        faces=chavez[3:4],
    )
    reviewer.decide(
        "move",
        lambda: reviewer.label[chavez[5]] == "noise",
        faces=chavez[5:6],
        to="noise",
    )
    label, _ = reviewer.of("Hugo_Chavez")
    reviewer.decide(
        "confirm", lambda: reviewer.together(*chavez[3:5]), faces=chavez[4:5], cluster=label
    )
    return made[0]


def faces_elsewhere(reviewer):
    """9 to 12: faces are moved against their similarity."""
    blair_label, blair = reviewer.of("Tony_Blair")
    _, powell = reviewer.of("Colin_Powell")
    reviewer.decide(
        "move", lambda: reviewer.together(powell[0], *blair), faces=powell[:1], to=blair_label
    )
    reviewer.decide(
        "move",
        lambda: reviewer.together(*powell[1:3]) and reviewer.apart(powell[1], powell[3:]),
        faces=powell[1:3],
        to="new",
    )
    label, sharon = reviewer.of("Ariel_Sharon")
    reviewer.decide(
        "split",
        lambda: reviewer.together(*sharon[:3]) and reviewer.apart(sharon[0], sharon[3:]),
        faces=sharon[:3],
        cluster=label,
    )
    beside = two_of_one_photo(reviewer)
    reviewer.decide("allow_twice", lambda: True, faces=beside)


def clusters(reviewer):
    """13 to 16: of whole clusters."""
    putin_label, putin = reviewer.of("Vladimir_Putin")
    chirac_label, chirac = reviewer.of("Jacques_Chirac")
    reviewer.decide(
        "merge",
        lambda: reviewer.together(*putin, *chirac),
        cluster=putin_label,
        other=chirac_label,
    )
    amy_label, amy = reviewer.of("amy")
    penny_label, penny = reviewer.of("penny")
    reviewer.decide(
        "not_same",
        lambda: reviewer.apart(amy[0], penny),
        cluster=amy_label,
        other=penny_label,
    )
    reviewer.decide(
        "choose_cover",
        lambda: reviewer.cover(amy[-1]) == amy[-1],
        faces=amy[-1:],
        cluster=amy_label,
    )
    label, raj = reviewer.of("raj")
    reviewer.decide("reject", lambda: reviewer.apart(raj[0], raj[1:]), faces=raj[:1], cluster=label)


def profiles(reviewer):
    """17 to 20: assignments of clusters to profiles."""
    for user_id, person in (("arnold", "Arnold_Schwarzenegger"), ("donald", "Donald_Rumsfeld")):
        reviewer.enrol(user_id, person)
    answer = reviewer.client.post(f"/assignments/{PATH}")
    assert answer.status_code == 200, answer.text
    label, arnold = reviewer.of("Arnold_Schwarzenegger")
    reviewer.decide(
        "confirm_profile",
        lambda: reviewer.user_of(arnold[0]) == "arnold",
        cluster=label,
        user_id="arnold",
    )
    label, donald = reviewer.of("Donald_Rumsfeld")
    reviewer.decide(
        "reject_profile",
        lambda: reviewer.refused(donald[0]) == ["donald"],
        cluster=label,
        user_id="donald",
    )
    label, howard = reviewer.of("howard")
    reviewer.decide(
        "choose_profile",
        lambda: reviewer.user_of(howard[0]) == "donald",
        cluster=label,
        user_id="donald",
    )
    _, stuart = reviewer.of("stuart")
    reviewer.decide(
        "move",
        lambda: reviewer.together(stuart[0], *arnold),
        faces=stuart[:1],
        user_id="arnold",
    )


def two_of_one_photo(reviewer):
    """Return two faces that lie in one photo."""
    by_photo = {}
    for face, key in sorted(reviewer.key.items()):
        by_photo.setdefault(key, []).append(face)
    return next(faces for faces in by_photo.values() if len(faces) == 2)


def photos_changed(reviewer):
    """Add photos of the same people; rename one that was corrected, and turn another.

    Return the faces that these two were rejected from, and the new names.
    """
    for photo in later_photos(reviewer.folder.parent.parent):
        shutil.copy(FACES / FOLDERS[0] / photo.parent.name / photo.name, photo)
    renamed, turned = (reviewer.folder.parent / reviewer.key[face] for face in reviewer.rejected)
    renamed.rename(renamed.with_name("renamed.jpg"))
    with Image.open(turned) as upright:
        exif = upright.getexif()
        exif[ORIENTATION] = 6  # shown turned by 90 degrees clockwise
        upright.rotate(90, expand=True).save(turned.with_name("turned.jpg"), exif=exif, quality=95)
    turned.unlink()
    return reviewer.bush, ["renamed.jpg", "turned.jpg"]


def one_undone(product, reviewer, decision):
    """Undo the first: it is open again after a full run, and it alone."""
    answer = reviewer.client.post(f"/api/v1/decisions/{decision['id']}/undo/", json={})
    assert answer.status_code == 201, answer.text
    product.cluster(PATH, "--full")
    assert reviewer.broken() == ["1: reject"]
