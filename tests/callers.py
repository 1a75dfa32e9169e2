"""Clients and people who call the product in tests."""

import time
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import caches
from rest_framework.test import APIClient

from web.auth import create_key
from web.roles import Role


def key_client(role):
    """Return a REST client that comes with a key of a role."""
    _, secret = create_key(f"{role} in a test", Role(role))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


@pytest.fixture(autouse=True)
def counters_at_zero(monkeypatch):
    """Count requests per test, all of them within one minute of the clock."""
    moment = time.time()
    monkeypatch.setattr("web.throttling.time", SimpleNamespace(time=lambda: moment))
    caches["memory"].clear()
    caches["counters"].clear()


@pytest.fixture
def viewer(db):
    return key_client("viewer")


@pytest.fixture
def reviewer(db):
    return key_client("reviewer")


@pytest.fixture
def admin(db):
    return key_client("admin")


@pytest.fixture
def page_of(db, client):
    """Log in with a role and return the browser."""

    def log_in(role):
        person = User.objects.create_user(f"{role}-person", password="a-long-password")
        person.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(person)
        return client

    return log_in
