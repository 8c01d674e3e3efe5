"""Stop a worker of queues from afar, by RQ's own command: it ends what it runs and takes no more.

Whether it lives is told by who listens on its channel, not by its record, which Redis keeps for
eight minutes after a worker was killed.
"""

import json
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import redis
from rq.command import PUBSUB_CHANNEL_TEMPLATE
from rq.defaults import RQ_KEY_PREFIX
from rq.worker_registration import REDIS_WORKER_KEYS

from workers import audit, keys
from workers.audit import By
from workers.connection import default_connection, storage_errors
from workers.errors import WorkerNotFound
from workers.scripts import script

_COMMAND = json.dumps({"command": "shutdown"})
_RECORD = f"{RQ_KEY_PREFIX}:worker:"


def stop_worker(
    name: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> None:
    """Have a worker of queues end what it runs, take nothing more, and leave, as by SIGTERM.

    What still runs after `SHUTDOWN_GRACE` goes back to the front of its queue. Whatever looks after
    the process, such as `rq worker-pool`, starts a new one. A worker of ours may be told twice; for
    a stock worker the second time means at once.

    Args:
        name: Of the worker, as GET /api/workers has it.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Raises:
        WorkerNotFound: If no worker of queues listens by this name; nothing is written down. One
            whose machine has vanished may still be told for as long as Redis keeps its connection.
        InvalidOption: If the name, the actor or the reason is empty or too long.
    """
    made = by.entry("worker.stop", target=name, now=now)
    connection = connection or default_connection()
    with storage_errors():
        heard: Any = connection.register_script(script("workers", "stop_worker"))(
            keys=[keys.audit()],
            args=[PUBSUB_CHANNEL_TEMPLATE % name, _COMMAND, *audit.arguments(made)],
        )
        if not heard:
            raise _unknown(name, connection)
    audit.tell(made)


def _unknown(name: str, connection: redis.Redis) -> WorkerNotFound:
    stored: Any = connection.smembers(REDIS_WORKER_KEYS)
    names = sorted(key.decode().removeprefix(_RECORD) for key in stored)
    near = [each for each in get_close_matches(name, names, n=4) if each != name][:3]
    remedy = f"Did you mean {' or '.join(near)}?" if near else "`postroom info` shows the workers."
    return WorkerNotFound(
        f"No worker of queues listens as {name!r}: there is none, or it is dead.",
        field="name",
        remedy=f"{remedy} A consumer of a stream is stopped by SIGTERM to its process.",
    )
