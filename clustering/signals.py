"""Signals of clustering; receivers live in dependent apps."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with ``run_id`` before the clusters and members stored under it are removed, so that
# receivers remove dependent data first. After a crash in between it is sent again: at least once.
groups_forgotten = Signal()

# Sent with ``run`` and ``before`` (None for the first) when a run's groups are written and the
# previous ones are still current: receivers carry dependent data over to the continued clusters.
groups_switching = Signal()

# Sent with ``run``, ``decision`` and ``labels`` (of changed clusters) after a decision is projected
# to a run's groups, before the next one. At least once: receivers must be idempotent.
decision_written = Signal()

# Sent with ``path`` when all data of a collection except its own document is removed. Sent again
# after an interruption.
collection_purged = Signal()

# Sent with ``run``, ``state`` and ``repair`` when the groups are compared with the event log. A
# receiver that stores data derived from decisions returns the labels of clusters for which its data
# differs from the log; with ``repair`` it writes what the log says.
decisions_rebuilding = Signal()
