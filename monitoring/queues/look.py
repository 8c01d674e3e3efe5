"""One look at all queues and workers, and by which clocks: what facts are read with."""

from dataclasses import dataclass
from datetime import datetime

import redis

from monitoring.queues.snapshot import Snapshot, take_snapshot
from workers.clock import utc_now
from workers.settings import Settings


@dataclass(frozen=True)
class Look:
    """One look.

    Args:
        connection: Where.
        settings: Which queues are ours, and the limits.
        snapshot: What was there.
        now: The server's time; tests pass another one.
        machine: The time of this machine when the snapshot was taken.
    """

    connection: redis.Redis
    settings: Settings
    snapshot: Snapshot
    now: datetime
    machine: datetime


def take_look(*, connection: redis.Redis, settings: Settings, now: datetime | None = None) -> Look:
    """Look at all queues and workers, in two round trips or four.

    Args:
        connection: Where.
        settings: Which queues are ours, and the limits.
        now: The server's time; None asks the server.
    """
    snapshot = take_snapshot(connection=connection, queues=settings.queues)
    return Look(connection, settings, snapshot, now or snapshot.time, utc_now())
