"""Takes a job out before its handler is called, also from the hands of a worker.

Which of its jobs a worker has not begun only its child knows. So the child is asked: a wish stands
in Redis for a moment, all workers are told of it, and the child that has the job cancels it under
its token. Nobody cancels it after the wish was withdrawn.
"""

import time
from collections.abc import Sequence
from typing import Any

import redis
from rq.command import PUBSUB_CHANNEL_TEMPLATE

from workers import keys
from workers.scripts import script

CHANNEL: str = PUBSUB_CHANNEL_TEMPLATE % "postroom:cancel"
"""On which workers hear that somebody wants to cancel a job; beside RQ's channels of workers."""

_TAKEN = "taken by a worker"
_PAUSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.2)  # seconds between two looks
_WISH_MS = 1_000  # in case that who asks dies: longer than any of the pauses


def cancel_job(job_id: str, *, connection: redis.Redis, entry: Sequence[str | int] = ()) -> str:
    """Take a job out, or find that it is too late. Takes half a second if a worker runs it.

    Args:
        job_id: The job.
        connection: Where.
        entry: What `audit.arguments` makes of who does it; empty writes nothing down.

    Returns:
        `canceled`: its handler is never called; empty if there is no such job; or its state.
    """
    for pause in _PAUSES:
        state = _try(job_id, _WISH_MS, entry, connection)
        if state != _TAKEN:
            return state
        time.sleep(pause)
    return _try(job_id, 0, entry, connection)


def _try(job_id: str, stands: int, entry: Sequence[str | int], connection: redis.Redis) -> str:
    origin: Any = connection.hget(keys.job(job_id), "origin")
    name = "" if origin is None else origin.decode(errors="replace")
    places = (keys.queue, keys.scheduled, keys.deferred, keys.canceled)
    own = (keys.audit(), keys.cancel_wish(job_id))
    state: Any = connection.register_script(script("workers", "cancel"))(
        keys=[keys.job(job_id), *(place(name) for place in places), *own],
        args=[job_id, int(time.time()), stands, CHANNEL, *entry],
    )
    return str(state.decode(errors="replace"))
