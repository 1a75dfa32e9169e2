"""Untrusted uploads: each is rejected with a sentence, with bounded memory."""

import io
import socket
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.e2e.product import Product

pytestmark = pytest.mark.e2e

MB = 1_000_000
GROWTH = 100 * MB  # what a process may take for a request or a task, at its peak
PATIENCE_S = 10  # for the answer to a body that never comes


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("uploads")
    settings = {"FACEADMIN_MODELS": model_files, "IMPORT_MAX_BYTES": 100 * MB}
    with Product(root, **settings).up() as running:
        yield running


@pytest.fixture(scope="module")
def key(product):
    return product.key()


@pytest.fixture(scope="module")
def client(product, key):
    headers = {"Authorization": f"Token {key}"}
    with httpx.Client(base_url=product.address, headers=headers, timeout=60) as client:
        models_loaded(product, client)
        yield client


def models_loaded(product, client):
    """Let every process load its models, so that they do not count as growth."""
    photo = jpeg_of(np.full((64, 64, 3), 90, np.uint8))
    with ThreadPoolExecutor(8) as senders:
        product.wait_for(
            lambda: (
                list(senders.map(lambda _: send_photo(client, photo), range(8)))
                and all("onnxruntime" in maps_of(one) for one in web_workers(product))
            )
        )
    finished(product, client, zip_of({"ada/plain.jpg": photo}))


def finished(product, client, data):
    """Send a zip, wait for the end of its import, and return its report."""
    began = send_zip(client, data)
    assert began.status_code == 202, began.text
    url = began.json()["status_url"]
    product.wait_for(lambda: client.get(url).json()["finished_at"] is not None)
    return client.get(url).json()


def send_zip(client, data):
    return client.post("/api/v1/profiles/import/", files={"file": ("people.zip", data)})


def maps_of(process):
    return Path(f"/proc/{process}/maps").read_text()


def web_workers(product):
    parents = product.processes("gunicorn")
    return [one for one in parents if parent_of(one) in parents]


def parent_of(process):
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


class Memory:
    """The memory of all our Python processes: what each had, and its peak since."""

    def __init__(self, product):
        self.before = {}
        for process in [*product.processes("gunicorn"), *product.processes("workers")]:
            Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak begins here
            self.before[process] = status_of(process, "VmRSS")

    def growth(self):
        """Return how many bytes the process took that took most."""
        return max(
            status_of(process, "VmHWM") - before
            for process, before in self.before.items()
            if Path(f"/proc/{process}").exists()
        )


def status_of(process, name):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@pytest.fixture
def memory(product, client):
    """Assert that no process grows more than one request may."""
    watched = Memory(product)
    yield watched
    assert watched.growth() < GROWTH
    assert set(watched.before) <= {
        *product.processes("gunicorn"),
        *product.processes("workers"),
    }, "a process died"
    assert "Traceback" not in product.said()


def send_photo(client, data, user_id="ada", **kind):
    file = ("photo.jpg", data, "image/jpeg")
    return client.post("/detect-face", data={"user_id": user_id}, files={"file": file}, **kind)


def jpeg_of(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def zip_of(files, kind=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as written:
        for name, data in files.items():
            written.writestr(name, data)
    return file.getvalue()


def said_no(answer, status, code):
    """Assert that a response has the common shape of errors."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    body = answer.json()
    assert body["code"] == code
    assert body["detail"]
    assert "Traceback" not in answer.text


def raw(product, key, request, *headers, body=b"", ends=False):
    """Send a raw request, its body possibly incomplete, and return the response."""
    at = urlsplit(product.address)
    head = [f"{request} HTTP/1.1", f"Host: {at.netloc}", f"Authorization: Token {key}", *headers]
    with socket.create_connection((at.hostname, at.port), timeout=PATIENCE_S) as line:
        line.sendall("\r\n".join([*head, "", ""]).encode() + body)
        if ends:
            line.shutdown(socket.SHUT_WR)
        return httpx_answer(line)


def httpx_answer(line):
    with HTTPResponse(line) as got:
        got.begin()
        return httpx.Response(got.status, headers=got.getheaders(), content=got.read())


MULTIPART = "Content-Type: multipart/form-data; boundary=b"
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="user_id"\r\n\r\nada\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n"
)


@pytest.mark.parametrize(
    ("request_line", "megabytes"),
    [
        ("POST /detect-face", 30),
        ("PUT /update-face/ada", 30),
        ("POST /api/v1/search/", 30),
        ("POST /api/v1/profiles/import/", 130),
        ("POST /api/v1/decisions/", 30),
    ],
)
def test_a_body_too_long_is_refused_before_it_comes(product, key, memory, request_line, megabytes):
    stated = f"Content-Length: {megabytes * MB}"

    answer = raw(product, key, request_line, MULTIPART, stated, body=FORM + b"x" * 1000)

    said_no(answer, 413, "too_many_bytes")


def test_a_body_without_a_length_is_refused_before_it_comes(product, key, memory):
    answer = raw(
        product,
        key,
        "POST /detect-face",
        MULTIPART,
        "Transfer-Encoding: chunked",
        body=b"400\r\n" + FORM.ljust(1024, b"x") + b"\r\n",
    )

    said_no(answer, 400, "parse_error")


def test_a_client_that_sends_all_of_a_body_too_long_hears_why(client, memory):
    answer = send_photo(client, b"x" * (30 * MB))

    said_no(answer, 413, "too_many_bytes")


def test_a_body_that_ends_too_early_is_refused(product, key, memory):
    stated = f"Content-Length: {len(FORM) + 5 * MB}"

    answer = raw(
        product, key, "POST /detect-face", MULTIPART, stated, body=FORM + b"x" * MB, ends=True
    )

    said_no(answer, 422, "invalid")
    assert answer.json()["errors"].keys() == {"file"}


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("application/json", b'{"user_id": "ada"}', 415, "unsupported_media_type"),
        ("image/jpeg", b"\xff\xd8\xff", 415, "unsupported_media_type"),
        ("multipart/form-data", FORM, 400, "parse_error"),
        ("multipart/form-data; boundary=b", FORM, 422, "invalid"),
    ],
)
def test_a_wrong_kind_of_body_is_refused(client, memory, kind, body, status, code):
    answer = client.post("/detect-face", content=body, headers={"Content-Type": kind})

    said_no(answer, status, code)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (b"no photo", 415, "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_an_image"),
        (b"\xff\xd8\xff\xe0" + b"\0" * MB, 415, "not_an_image"),
        (jpeg_of(np.full((640, 640, 3), 90, np.uint8))[:900], 422, "unreadable_image"),
    ],
)
def test_an_image_that_is_none_is_refused(client, memory, data, status, code):
    said_no(send_photo(client, data), status, code)


def png_that_claims(width, height):
    """Return a PNG of a few kB whose pixels would fill gigabytes."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10 * MB))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_an_image_that_would_unpack_to_gigabytes_is_refused(client, memory):
    answer = send_photo(client, png_that_claims(30_000, 30_000))

    said_no(answer, 413, "too_many_pixels")


def test_a_zip_that_climbs_writes_nothing_outside(product, client, memory, tmp_path):
    names = ("../ada/one.jpg", "ada/../../two.jpg", f"{tmp_path}/three.jpg", "..\\four.jpg")

    report = finished(product, client, zip_of(dict.fromkeys(names, b"x")))

    assert (report["state"], report["refused"], report["total"]) == ("finished", 4, 4)
    assert report["refusals"] == {"unsafe_name": 4}
    assert not list(tmp_path.iterdir())
    escaped = {"one.jpg", "two.jpg", "three.jpg", "four.jpg"}
    assert not [one for one in product.data.parent.rglob("*.jpg") if one.name in escaped]


ENTRY_BYTES = 24 * MB
ZEROS = zlib.compressobj(9, zlib.DEFLATED, -15)
PACKED = ZEROS.compress(bytes(ENTRY_BYTES)) + ZEROS.flush()


def bomb_of(names, said_bytes=ENTRY_BYTES):
    """Return a zip of files of zeros, each 24 MB packed into 24 kB, written directly for speed."""
    file, directory = io.BytesIO(), []
    for name in names:
        fixed = struct.pack(
            "<5H3L2H", 20, 0, 8, 0, 33, ZEROS_CRC, len(PACKED), said_bytes, len(name), 0
        )
        at = file.tell()
        file.write(b"PK\x03\x04" + fixed + name.encode() + PACKED)
        directory.append(
            b"PK\x01\x02\x14\x00" + fixed + struct.pack("<3H2L", 0, 0, 0, 0, at) + name.encode()
        )
    at, listed = file.tell(), b"".join(directory)
    count = len(directory)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(listed), at, 0)
    return file.getvalue() + listed + end


ZEROS_CRC = zlib.crc32(bytes(ENTRY_BYTES))


def test_a_bomb_of_many_files_stops_at_what_an_import_reads(product, client, memory):
    data = bomb_of([f"ada/{number:03d}.jpg" for number in range(200)])  # 4.8 GB
    assert len(data) < 5 * MB

    report = finished(product, client, data)

    assert (report["state"], report["failure_code"]) == ("failed", "too_many_bytes")
    assert report["refusals"] == {"not_an_image": report["done"]}
    assert report["done"] * ENTRY_BYTES <= 400 * MB


def test_a_file_that_unpacks_to_more_than_a_photo_is_refused(product, client, memory):
    truthful = zip_of({"ada/one.jpg": bytes(200 * MB)})

    report = finished(product, client, truthful)

    assert (report["state"], report["refusals"]) == ("finished", {"too_many_bytes": 1})


def test_a_file_that_lies_about_its_size_is_refused(product, client, memory):
    report = finished(product, client, bomb_of(["ada/one.jpg"], said_bytes=1000))

    assert (report["state"], report["refusals"]) == ("finished", {"unreadable_entry": 1})


def test_a_zip_of_a_hundred_thousand_files_is_refused(client, memory):
    files = {f"ada/{number}.jpg": b"" for number in range(100_000)}

    answer = send_zip(client, zip_of(files, zipfile.ZIP_STORED))

    said_no(answer, 422, "too_many_entries")


def test_what_is_no_zip_is_refused(client, memory):
    said_no(send_zip(client, b"no zip"), 422, "not_an_archive")
    said_no(send_zip(client, zip_of({"ada/one.jpg": b"x"})[:-30]), 422, "not_an_archive")
