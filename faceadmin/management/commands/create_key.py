"""``manage.py create_key``: create an API key and print it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from faceadmin.runtime.exit_codes import CommandFailed, Exit, ProductCommand
from web.auth import create_key
from web.roles import Role


class Command(ProductCommand):
    """Print a new key alone on standard output; it cannot be shown again."""

    help = "Make an API key and print it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add role, name and lifetime."""
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        parser.add_argument("--name", required=True, help="who or what uses the key")
        parser.add_argument("--expires-days", type=int, help="days until it ends (default: never)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the key."""
        name, days = options["name"].strip(), options["expires_days"]
        if not 1 <= len(name) <= 50:
            raise CommandFailed("A key's name has 1 to 50 letters.", code=Exit.NONSENSE)
        if days is not None and not 1 <= days <= 36500:
            raise CommandFailed("A key lasts 1 to 36500 days.", code=Exit.NONSENSE)
        expires = None if days is None else timezone.now() + timedelta(days=days)
        _, secret = create_key(name, Role(options["role"]), expires=expires)
        self.stdout.write(secret)
