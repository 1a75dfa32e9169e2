"""Limits and https for real clients, behind nginx as configured in the README, and without it."""

import re
import shutil
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.product import ROOT, Product
from tests.stores import free_port

pytestmark = pytest.mark.e2e

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PROXY = "127.0.0.9"  # from where nginx connects; the clients have other addresses
FAILURES = 20
KEYS = "/api/v1/keys/"
WRONG = {"Authorization": "Token abcdefgh.wrong"}
CONFIGURATION = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  proxy_bind {proxy};
  {server}
}}
"""
_numbers = count(1)


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    settings = {
        "FACEADMIN_MODELS": model_files,
        "TRUSTED_PROXIES": PROXY,
        "FAILED_LOGINS_PER_MINUTE": FAILURES,
    }
    with Product(tmp_path_factory.mktemp("proxied"), **settings).up() as running:
        yield running


@pytest.fixture(scope="module")
def key(product):
    return {"Authorization": f"Token {product.key()}"}


@pytest.fixture(scope="module")
def password(product):
    return re.search(r"password: (\S+)", product.said()).group(1)


@pytest.fixture(scope="module")
def nginx(product, tmp_path_factory):
    """Run the README's nginx in front of the product and return its address."""
    if NGINX is None:
        pytest.skip("no nginx is installed, so nothing can be tried behind one")
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(folder=folder, proxy=PROXY, server=server_block(folder, port, product))
    )
    log = (folder / "output").open("wb")
    process = subprocess.Popen(
        [NGINX, "-e", folder / "error.log", "-c", folder / "nginx.conf"], stdout=log, stderr=log
    )
    try:
        wait_for(f"https://127.0.0.1:{port}", process, folder)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)
        log.close()


@pytest.fixture(params=["nginx", "direct"])
def front(request, product):
    """Return the address for clients: behind nginx, and without it."""
    return request.getfixturevalue("nginx") if request.param == "nginx" else product.address


def server_block(folder, port, product):
    """Return the README's example with the addresses and files of this test."""
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S)
    certificate_write(folder)
    for example, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/faces.example.org.pem", f"{folder}/certificate.pem"),
        ("/etc/ssl/faces.example.org.key", f"{folder}/key.pem"),
        ("http://127.0.0.1:8000;", f"{product.address};"),
    ):
        assert block.count(example) == 1, example
        block = block.replace(example, here)
    return block


def certificate_write(folder):
    """Write a certificate for the test's nginx and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def wait_for(address, process, folder):
    give_up = time.monotonic() + 30
    while True:
        try:
            if visitor(address).get("/health/live").status_code == 200:
                return
        except httpx.TransportError:
            pass
        said = (folder / "error.log").read_text() + (folder / "output").read_text()
        assert process.poll() is None, said
        assert time.monotonic() < give_up, said
        time.sleep(0.05)


def visitor(front, source=None, **headers):
    """Return a client with its own address; each request uses a new connection."""
    insecure = ssl.create_default_context()
    insecure.check_hostname, insecure.verify_mode = False, ssl.CERT_NONE
    transport = httpx.HTTPTransport(
        verify=insecure,
        local_address=source or f"127.0.1.{next(_numbers)}",
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    return httpx.Client(base_url=front, transport=transport, headers=headers, timeout=60)


def log_in(browser, password, **headers):
    """Send the login form as a browser does and return the answer."""
    browser.cookies.clear()
    browser.get("/login/")
    form = {
        "username": "admin",
        "password": password,
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    origin = {"Origin": str(browser.base_url).rstrip("/"), "Referer": f"{browser.base_url}/login/"}
    return browser.post("/login/", data=form, headers={**origin, **headers})


def test_a_flood_without_a_valid_key_locks_nothing_out(front, key, password):
    first, second = visitor(front), visitor(front)
    assert log_in(first, password).status_code == 302

    without = flood(first, {}, 120)
    wrong = flood(first, WRONG, 120)

    assert without == {401}
    assert wrong == {401, 429}
    assert first.get("/accounts/").status_code == 200
    for client in (first, second):
        assert client.get(KEYS, headers=key).status_code == 200
        assert log_in(client, password).status_code == 302
        assert client.get("/accounts/").status_code == 200
    assert second.get(KEYS, headers=WRONG).status_code == 401


def flood(client, headers, requests):
    """Send many requests without the client's session and return the statuses of the answers."""
    kept, client.cookies = client.cookies, httpx.Cookies()
    answers = {client.get(KEYS, headers=headers).status_code for _ in range(requests)}
    client.cookies = kept
    return answers


def test_wrong_passwords_of_one_client_do_not_lock_another(front, password):
    first, second = visitor(front), visitor(front)

    answers = [log_in(first, "wrong").status_code for _ in range(8)]
    locked = log_in(first, password, Accept="text/html")

    assert answers == [200] * 7 + [429]
    assert locked.status_code == 429
    assert "for 15 minutes" in locked.text
    assert 0 < int(locked.headers["Retry-After"]) <= 901
    assert log_in(second, password).status_code == 302


def test_addresses_that_a_client_claims_are_not_believed(front):
    first, second = visitor(front), visitor(front, "127.0.2.1")
    found = set()

    for number in range(80):
        claim = f"203.0.113.{number}"
        claims = {"X-Forwarded-For": claim, "X-Real-IP": claim, "Forwarded": f"for={claim}"}
        found |= flood(first, {**WRONG, **claims}, 1)
    flood(visitor(front), {**WRONG, "X-Forwarded-For": "127.0.2.1"}, 80)

    assert found == {401, 429}
    assert flood(second, WRONG, 10) == {401}


def test_cookies_are_secure_behind_https_and_only_there(front, password):
    claims = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.4.1"}
    is_direct = front.startswith("http:")
    client = visitor(front, "127.0.0.1", **claims) if is_direct else visitor(front)

    answer = log_in(client, password)

    cookies = answer.headers.get_list("Set-Cookie")
    assert answer.status_code == 302
    assert not answer.headers["Location"].startswith("http:")
    assert {"csrftoken", "sessionid"} <= {cookie.partition("=")[0] for cookie in cookies}
    assert {"secure" in cookie.lower() for cookie in cookies} == {not is_direct}


def test_a_trusted_proxy_may_send_its_header_in_several_lines(product):
    lines = [("X-Forwarded-For", "203.0.113.5"), ("X-Forwarded-For", "127.0.3.1")]

    answers = flood(visitor(product.address, PROXY), [*WRONG.items(), *lines], 80)
    claimed = flood(
        visitor(product.address, PROXY), {**WRONG, "X-Forwarded-For": "203.0.113.5"}, 10
    )
    appended = flood(visitor(product.address, "127.0.3.1"), WRONG, 10)

    assert answers == {401, 429}
    assert claimed == {401}
    assert 429 in appended


def test_health_is_answered_by_ip_address(front):
    by_address = {"Host": "10.0.12.7:8000"}

    assert visitor(front).get("/health/live", headers=by_address).status_code == 200
    assert visitor(front).get("/health/ready", headers=by_address).status_code == 200
    assert visitor(front).get("/metrics", headers=by_address).status_code == 200
    refused = visitor(front).get("/login/", headers=by_address)
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_host")
