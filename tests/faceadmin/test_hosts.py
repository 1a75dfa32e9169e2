"""Health checks accept any host, everything else only the allowed hosts."""

import pytest

ADDRESS = "10.0.12.7:8000"
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def hosts(settings):
    settings.ALLOWED_HOSTS = ["faces.example.org"]


@pytest.mark.parametrize("host", [ADDRESS, "[fd00::7]:8000", "anything.example", "no name"])
def test_health_is_answered_under_any_name(client, host):
    assert client.get("/health/live", HTTP_HOST=host).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health/ready", "/metrics"])
def test_readiness_and_metrics_are_answered_by_address(client, path):
    answer = client.get(path, HTTP_HOST=ADDRESS)

    assert answer.status_code in (200, 503)
    assert b"mongodb" in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/api/v1/keys/", "/", "/health/", "/health/live/"])
def test_everything_else_refuses_an_unknown_name_and_says_what_to_do(client, path):
    answer = client.get(path, HTTP_HOST=ADDRESS)

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")
    assert ADDRESS in answer.json()["detail"]
    assert "ALLOWED_HOSTS" in answer.json()["detail"]
    assert client.get("/login/", HTTP_HOST="faces.example.org").status_code == 200


@pytest.mark.django_db
def test_a_browser_gets_a_page_that_repeats_no_markup(client):
    answer = client.get(
        "/login/", HTTP_HOST="<b>bold</b>", headers={**BROWSER, "Referer": "http://[broken/"}
    )

    assert answer.status_code == 400
    assert "&lt;b&gt;bold" in answer.content.decode()
