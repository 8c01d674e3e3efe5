"""The workers that an alert may count on. Only reads."""

import redis

from monitoring.queues.living import living_and_dead
from monitoring.queues.snapshot import Snapshot

_SILENT = 30.0  # seconds; ours show life every 4 s, and after 15 s lose their jobs to others


def with_living(snapshot: Snapshot, connection: redis.Redis) -> Snapshot:
    """The snapshot without workers of ours that were killed; in one round trip, or none.

    Args:
        snapshot: The workers.
        connection: Where they are.
    """
    living, _ = living_and_dead(snapshot, silent_seconds=_SILENT, connection=connection)
    return living
