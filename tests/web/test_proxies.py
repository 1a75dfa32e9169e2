"""Client address and scheme are taken from the headers of trusted proxies only."""

import logging

import pytest
from axes.models import AccessAttempt
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.module_loading import import_string

PROXY = "10.0.0.1"
CLIENT = "203.0.113.7"
PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.TRUSTED_PROXIES = [PROXY, "192.168.7.0/24", "fd00::/8"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick


def seen(peer, **headers):
    """Return the address and scheme that the middleware assigns to a request."""
    found = {}

    def view(request):
        found.update(address=request.META["REMOTE_ADDR"], scheme=request.scheme)
        found["left"] = [name for name in request.META if "FORWARDED" in name]
        return HttpResponse()

    first = import_string(configured.MIDDLEWARE[0])
    names = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    first(view)(RequestFactory().get("/", REMOTE_ADDR=peer, **names))
    assert found["left"] == []
    return found["address"], found["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"1.2.3.4, {CLIENT}", CLIENT),  # forged entries are left of the client's address
        (PROXY, f"1.2.3.4,{CLIENT},192.168.7.9", CLIENT),  # two proxies
        (PROXY, f"{CLIENT}, 192.168.8.9", "192.168.8.9"),
        (PROXY, "192.168.7.8, 192.168.7.9", "192.168.7.8"),  # a proxy's own request
        (PROXY, f"{CLIENT}:51234", CLIENT),
        (PROXY, f"[2001:db8::7]:443, {CLIENT}", CLIENT),
        (PROXY, "[2001:db8::7]:443", "2001:db8::7"),
        (PROXY, "2001:DB8::7", "2001:db8::7"),
        (PROXY, "fe80::7%eth0", "fe80::7"),
        (PROXY, f"::ffff:{CLIENT}", CLIENT),
        (PROXY, f"{CLIENT}, ,", CLIENT),
        ("fd00::1", CLIENT, CLIENT),
        (f"::ffff:{PROXY}", CLIENT, CLIENT),  # on a socket for both versions of IP
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, f"{CLIENT}, <script>", PROXY),
        (PROXY, f"{CLIENT}, 999.1.1.1", PROXY),
        (PROXY, "1.2.3.4\x00", PROXY),
        (PROXY, f"{CLIENT}, [", PROXY),
        (PROXY, "," * 8000, PROXY),
        ("203.0.113.9", CLIENT, "203.0.113.9"),
        ("127.0.0.1", CLIENT, "127.0.0.1"),
        ("::ffff:203.0.113.9", CLIENT, "203.0.113.9"),
        ("", CLIENT, ""),  # a unix socket
    ],
)
def test_client_is_the_rightmost_address_that_is_not_a_trusted_proxy(peer, forwarded_for, client):
    assert seen(peer, x_forwarded_for=forwarded_for)[0] == client


@pytest.mark.parametrize(
    ("peer", "proto", "forwarded_for", "scheme"),
    [
        (PROXY, "https", CLIENT, "https"),
        (PROXY, "HTTPS", "", "https"),
        (PROXY, "http", CLIENT, "http"),
        (PROXY, "https, http", CLIENT, "http"),  # forged by the client, then the proxy's value
        (PROXY, "https, http", f"{CLIENT}, 192.168.7.9", "https"),  # values of two proxies
        (PROXY, "https", f"{CLIENT}, 192.168.7.9", "https"),  # passed on by the second
        (PROXY, "gopher", CLIENT, "http"),
        (PROXY, "", CLIENT, "http"),
        ("203.0.113.9", "https", CLIENT, "http"),
        ("127.0.0.1", "https", CLIENT, "http"),
    ],
)
def test_scheme_is_reported_by_the_proxy_next_to_the_client(peer, proto, forwarded_for, scheme):
    headers = {"x_forwarded_proto": proto, "x_forwarded_for": forwarded_for}

    assert seen(peer, **headers)[1] == scheme


def test_other_forwarding_headers_are_ignored():
    claims = {"forwarded": f"for={CLIENT};proto=https", "x_real_ip": CLIENT}
    claims |= {"x_forwarded_host": "elsewhere.example", "x_forwarded_ssl": "on"}

    assert seen(PROXY, **claims) == (PROXY, "http")


def test_proxy_on_a_unix_socket_is_trusted_by_the_word_unix(settings):
    settings.TRUSTED_PROXIES = ["unix"]

    assert seen("", x_forwarded_for=CLIENT, x_forwarded_proto="https") == (CLIENT, "https")
    assert seen(PROXY, x_forwarded_for=CLIENT) == (PROXY, "http")
    assert seen("nonsense", x_forwarded_for=CLIENT) == ("nonsense", "http")


def test_untrusted_proxy_is_logged_once(caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            seen("10.9.9.9", x_forwarded_for=CLIENT)
            seen("8.8.8.8", x_forwarded_for=CLIENT)

    said = [line.message for line in caplog.records if "TRUSTED_PROXIES" in line.message]
    assert len(said) == 1
    assert "10.9.9.9" in said[0]


def behind(client, scheme="https"):
    return {
        "REMOTE_ADDR": PROXY,
        "HTTP_HOST": "testserver",
        "HTTP_X_FORWARDED_FOR": client,
        "HTTP_X_FORWARDED_PROTO": scheme,
    }


@pytest.mark.django_db
def test_wrong_passwords_of_one_client_do_not_lock_another_behind_the_same_proxy(client):
    User.objects.create_user("ada", password=PASSWORD)
    for _ in range(8):
        wrong = {"username": "ada", "password": "wrong"}
        locked = client.post("/login/", wrong, **behind(CLIENT))

    right = {"username": "ada", "password": PASSWORD}
    other = client.post("/login/", right, **behind("203.0.113.8"))

    assert locked.status_code == 429
    assert other["Location"] == "/"
    assert AccessAttempt.objects.get().ip_address == CLIENT


@pytest.mark.django_db
@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
def test_cookies_are_secure_where_the_browser_uses_https(client, scheme, is_secure):
    User.objects.create_user("ada", password=PASSWORD)
    login = {"username": "ada", "password": PASSWORD}

    answer = client.post("/login/", login, **behind(CLIENT, scheme))

    assert {"sessionid", "csrftoken"} <= answer.cookies.keys()
    assert {bool(cookie["secure"]) for cookie in answer.cookies.values()} == {is_secure}


@pytest.mark.django_db
def test_a_form_of_a_page_over_https_is_accepted_behind_a_trusted_proxy_only(settings):
    browser = Client(enforce_csrf_checks=True)
    browser.get("/login/", **behind(CLIENT))
    form = {"username": "ada", "csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    origin = {"HTTP_ORIGIN": "https://testserver"}

    trusted = browser.post("/login/", form, **behind(CLIENT), **origin)
    settings.TRUSTED_PROXIES = []
    untrusted = browser.post("/login/", form, **behind(CLIENT), **origin)

    assert trusted.status_code == 200
    assert (untrusted.status_code, untrusted.json()["code"]) == (403, "csrf_failed")
    assert "http://testserver" in untrusted.json()["detail"]
    assert "TRUSTED_PROXIES" in untrusted.json()["detail"]
