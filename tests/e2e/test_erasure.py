"""No byte of the data folder contains an erased person, at run time and after a restore."""

import base64
import io
import shutil
import zipfile

import httpx
import pymongo
import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

ID = "zq-erased.person-77"
NAMES = ("Zyxelia Quandry", "Zyxelia Renamed")
FIRST = NAMES[0].split()[0]
OTHER = "colin"
COLLECTION = "press/autumn"
WAIT_S = 60


def photos(person):
    return sorted((FACES / "lfw10" / person).glob("*.jpg"))


class Client:
    """A client with an admin's key, and a browser of the admin."""

    def __init__(self, product, password):
        self.product = product
        self.http = httpx.Client(
            base_url=product.address,
            headers={"Authorization": f"Token {product.key()}"},
            timeout=WAIT_S,
        )
        self.page = httpx.Client(base_url=product.address, timeout=WAIT_S)
        self.page.get("/login/")
        form = {"username": "admin", "password": password, **self.token()}
        assert self.page.post("/login/", data=form).status_code == 302

    def token(self):
        return {"csrfmiddlewaretoken": self.page.cookies["csrftoken"]}

    def ok(self, method, path, **given):
        answer = self.http.request(method, path, **given)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def import_zip(self, name, files):
        """Import a zip to its end."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            for path, photo in files.items():
                made.write(photo, path)
        headers = {"Idempotency-Key": f"import of {name}"}
        job = self.ok(
            "POST",
            "/api/v1/profiles/import/",
            files={"file": (name, out.getvalue())},
            headers=headers,
        )
        url = job["status_url"]
        self.product.wait_for(lambda: self.ok("GET", url)["finished_at"] is not None)
        return self.ok("GET", url)


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("erasure")
    for person in ("Ariel_Sharon", "Colin_Powell"):
        folder = root / "buckets" / "press" / "autumn" / person
        folder.mkdir(parents=True)
        for photo in photos(person)[:4]:
            shutil.copy(photo, folder)
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(product):
    """The product with the person in every store and file that may contain one."""
    product.up()
    password = product.said().partition("password: ")[2].split()[0]
    client = Client(product, password)
    product.cluster(COLLECTION)
    enrol(client)
    traces(client)
    return client


def enrol(client, key=f"enrol {ID}"):
    with photos("Ariel_Sharon")[5].open("rb") as photo:
        form = {"user_id": ID, "name": NAMES[0], "force": "true"}
        headers = {"Idempotency-Key": key}
        client.ok("POST", "/detect-face", data=form, files={"file": photo}, headers=headers)


def traces(client):
    """Write the person's id and names to every place where the product stores them."""
    known, other = photos("Ariel_Sharon"), photos("Colin_Powell")
    done = client.import_zip(
        f"{ID}.zip",
        {
            f"{ID}/{ID} one.jpg": known[6],
            f"{ID}/two.jpg": known[7],
            f"{OTHER}/beside {ID}.jpg": other[6],
        },
    )
    assert done["refusals"] == {}
    client.ok("POST", f"/assignments/{COLLECTION}?threshold=0&margin=0")
    found = client.ok("GET", f"/assignments/{COLLECTION}?limit=100")
    labels = [f"cluster_{n}" for n in range(2)]
    for label in labels:
        decide(client, "choose_profile", label, ID)
        decide(client, "choose_profile", label, OTHER)
        decide(client, "reject_profile", label, ID)
    decide(client, "choose_profile", labels[0], ID)
    with known[8].open("rb") as photo:
        answer = client.ok(
            "POST", "/api/v1/search/", files={"file": photo}, headers={"Idempotency-Key": "search"}
        )
    assert ID in repr(answer)
    form = {"name": NAMES[1], **client.token()}
    assert client.page.post(f"/profiles/{ID}/rename/", data=form).status_code == 303
    client.page.get(f"/profiles/{ID}/nowhere/")
    stranger = httpx.Client(base_url=client.product.address)
    stranger.get("/login/")
    form = {
        "username": "eve",
        "password": "wrong",
        "csrfmiddlewaretoken": stranger.cookies["csrftoken"],
    }
    stranger.post(f"/login/?next=/profiles/{ID}/", data=form)
    assert found


def decide(client, kind, label, user_id):
    seen = {"cluster": label, "suggestions": [ID], "title": NAMES[0]}
    decision = {"kind": kind, "cluster": label, "user_id": user_id, "seen": seen}
    body = {"collection": COLLECTION, "decisions": [decision]}
    client.http.post("/api/v1/decisions/", json=body)


def vectors(product):
    """Return the person's template and the vectors of the reference photos, as bytes."""
    port = product.environment["FACEADMIN_MONGODB_PORT"]
    with pymongo.MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true") as mongo:
        database = mongo["faceadmin"]
        template = database["profiles"].find_one({"_id": ID})["template"]
        references = database["reference_photos"].find({"user_id": ID})
        return [bytes(template), *(bytes(one["vector"]) for one in references)]


def needles(product):
    """Return the forbidden bytes by a name for the report."""
    found = {"id": ID.encode(), "zip": f"{ID}.zip".encode(), "name": FIRST.encode()}
    for number, vector in enumerate(vectors(product)):
        text = base64.b64encode(vector)
        for at in (0, len(vector) // 2 // 12 * 12):
            found[f"vector {number} at {at}"] = vector[at : at + 24]
            found[f"vector {number} as text at {at}"] = text[at // 3 * 4 : at // 3 * 4 + 32]
        hexed = vector.hex().encode()
        found[f"vector {number} as hex"] = hexed[:48]
    return found


def found_in(folder, wanted):
    """Return how often each needle occurs in each file."""
    counts = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.suffix == ".onnx" or "models" in file.relative_to(folder).parts[:1]:
            continue
        data = file.read_bytes()
        for name, needle in wanted.items():
            if count := data.count(needle):
                counts[f"{file.relative_to(folder)}: {name}"] = count
    return counts


def test_no_byte_of_an_erased_person_is_left_while_the_product_runs(product, client):
    wanted = needles(product)
    before = found_in(product.data, wanted)

    receipt = client.ok("DELETE", f"/debug-profile/{ID}")

    assert {one.split(": ")[1] for one in before} >= {"id", "zip", "name", "vector 0 as text at 0"}
    assert receipt["complete"] is True, receipt
    assert found_in(product.data, wanted) == {}
    assert client.http.get(f"/debug-profile/{ID}").status_code == 404
    headers = {"Idempotency-Key": f"enrol {ID}"}
    with photos("Ariel_Sharon")[5].open("rb") as photo:
        form = {"user_id": ID, "name": NAMES[0], "force": "true"}
        again = client.http.post("/detect-face", data=form, files={"file": photo}, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "person_erased")
    assert client.ok("GET", f"/debug-profile/{OTHER}")["reference_photos"] == 1


def restore(product, backup):
    """Restore the stores of a stopped installation from a backup."""
    for name in ("mongodb", "references", "crops"):
        shutil.rmtree(product.data / name)
        shutil.copytree(backup / name, product.data / name)
    for file in product.data.glob("faceadmin.sqlite3*"):
        file.unlink()
    for file in backup.glob("faceadmin.sqlite3*"):
        shutil.copy(file, product.data)


def test_a_restored_backup_does_not_bring_an_erased_person_back(product, client):
    enrol(client, key="enrolled again on purpose")
    product.stop()
    backup, log = product.data.with_name("backup"), product.data / "erasures.jsonl"
    shutil.copytree(product.data, backup, ignore=shutil.ignore_patterns("models", "run"))
    product.up()
    assert client.ok("DELETE", f"/debug-profile/{ID}")["complete"] is True
    product.stop()
    restore(product, backup)

    product.up()  # compares its log with the stores before it is ready

    gone = client.http.get(f"/debug-profile/{ID}").status_code
    assert (gone, client.http.get(f"/debug-profile/{OTHER}").status_code) == (404, 200)
    assert found_in(product.data, {"id": ID.encode(), "name": FIRST.encode()}) == {}
    product.stop()
    kept = shutil.copy(log, product.data.with_name("kept.jsonl"))
    restore(product, backup)
    shutil.copy(backup / log.name, log)  # the whole data folder was restored

    replayed = product.command("replay_erasures", kept)

    assert replayed.returncode == 0, replayed.stderr
    assert "1 person was stored again and erased" in replayed.stdout
    assert log.read_bytes() == (product.data.with_name("kept.jsonl")).read_bytes()
    assert found_in(product.data, {"id": ID.encode(), "name": FIRST.encode()}) == {}
