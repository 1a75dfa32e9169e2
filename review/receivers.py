"""Receivers of signals from other apps."""

from __future__ import annotations

from django.dispatch import receiver

from clustering.signals import (
    collection_purged,
)
from review.last_seen import forget_last_seen


@receiver(collection_purged)
def forget_last_seen_of_collection(sender: object, path: str, **_: object) -> None:
    """Delete the stored times of a deleted collection."""
    forget_last_seen(path)
