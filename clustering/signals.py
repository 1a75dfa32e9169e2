"""What other floors may want to know of clustering; who listens is theirs to say."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with ``run_id`` before the clusters and members stored under it are removed. What hangs on
# them goes first, so a crash in between removes them again, and says so again: at least once.
groups_forgotten = Signal()

# Sent with ``run`` and ``before`` (None for the first) when a run's groups are written and readers
# still see those of before: what hangs on these can be given to the clusters that continue them.
groups_switching = Signal()

# Sent with ``run``, ``decision`` and ``labels`` when a decision is written into a run's groups and
# these clusters changed, before the next one is: whoever follows may be told of it again.
decision_written = Signal()

# Sent with ``path`` when all of a collection but itself is removed; told again if that broke off.
collection_purged = Signal()

# Sent with ``run``, ``law`` and ``repair`` when the groups are compared with the log of decisions:
# a receiver that follows decisions returns the labels of clusters for which it stores another, and
# with ``repair`` writes what the log says.
decisions_rebuilding = Signal()
