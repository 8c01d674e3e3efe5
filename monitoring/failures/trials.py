"""What became of messages that were replayed as a trial. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import redis

from monitoring.answers import as_text
from workers import keys
from workers.connection import storage_errors

Outcome = Literal["waits", "runs", "succeeded", "failed", "unknown"]

MOST = 20
"""Trials that are looked at."""

_OUTCOMES: dict[str, Outcome] = {
    "queued": "waits",
    "deferred": "waits",
    "scheduled": "waits",
    "started": "runs",
    "finished": "succeeded",
    "failed": "failed",
    "stopped": "failed",
    "canceled": "failed",
}


@dataclass(frozen=True)
class Trial:
    """A message that was sent again.

    Args:
        job_id: The job that died.
        successor: The one that runs its message now; empty if that is not known.
        outcome: How it fares; `unknown` if its record is gone, or it is an entry of a stream.
    """

    job_id: str
    successor: str
    outcome: Outcome


def read_trials(ids: Sequence[str], *, connection: redis.Redis) -> Sequence[Trial]:
    """How replayed letters fare, in two round trips.

    Args:
        ids: Of the jobs that died; those after the first `MOST` are left out.
        connection: Where.

    Returns:
        One for each, in their order.
    """
    ids = ids[:MOST]
    if not ids:
        return ()
    with storage_errors():
        left: Any = connection.mget([keys.dead_letter_left(job_id) for job_id in ids])
        successors = [_successor(each) for each in left]
        with connection.pipeline(transaction=False) as pipe:
            for each in successors:
                pipe.hget(keys.job(each), "status")
                pipe.zscore(keys.dead_letters(), each)
            answers: Any = pipe.execute()
    told = iter(answers)
    return [
        Trial(job_id, successor, _outcome(status, died))
        for job_id, successor, status, died in zip(ids, successors, told, told, strict=True)
    ]


def _successor(left: bytes | None) -> str:
    how, _, successor = as_text(left or b"").partition(" ")
    return successor if how == "replayed" else ""


def _outcome(status: bytes | None, died: float | None) -> Outcome:
    if died is not None:
        return "failed"
    return _OUTCOMES.get(as_text(status or b""), "unknown")
