"""A real browser: Debian's Chromium, driven by Playwright."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.labelled import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium():
    """Start the browser once."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed, so nothing can be shown in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """Open a page of its own; an error in the page's scripts fails the test."""
    errors = []
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if is_violation(line) else None)
    yield page
    context.close()
    assert not errors


@pytest.fixture
def plain_page(chromium):
    """Open a page in which no script runs."""
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def artifacts():
    """Return the folder in which the run keeps its screenshots."""
    folder = ROOT / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


def is_violation(line):
    """Say whether a line on the console is about the Content-Security-Policy."""
    return line.type == "error" and "Content Security Policy" in line.text
