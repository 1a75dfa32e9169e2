"""`manage.py create_key`: the key alone on standard output."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from faceadmin.runtime.exit_codes import CommandFailed
from web.auth import find_key

pytestmark = pytest.mark.django_db


def key_made(**options):
    out = io.StringIO()
    call_command("create_key", stdout=out, **{"role": "reviewer", "name": "script", **options})
    return out.getvalue()


def test_it_prints_a_key_that_works_and_nothing_else():
    printed = key_made()

    key = find_key(printed.removesuffix("\n"))
    assert (key.name, key.role, key.expiry_date) == ("script", "reviewer", None)


def test_it_can_expire():
    key = find_key(key_made(expires_days=2).strip())

    assert timedelta(days=1) < key.expiry_date - timezone.now() < timedelta(days=2)


@pytest.mark.parametrize("nonsense", [{"name": " "}, {"name": "x" * 51}, {"expires_days": 0}])
def test_nonsense_is_refused(nonsense):
    with pytest.raises(CommandFailed) as ended:
        key_made(**nonsense)

    assert ended.value.code == 2


def test_an_unknown_role_is_refused():
    with pytest.raises(CommandError, match="invalid choice: 'king'"):
        call_command("create_key", "--role", "king", "--name", "x")
