"""Jobs in the hands of a worker that is gone."""

from collections.abc import Iterator, Sequence
from typing import Any

import redis

from monitoring.answers import as_text
from monitoring.doctor.finding import Finding
from monitoring.queues.snapshot import Snapshot
from monitoring.words import are, listed, number, span
from workers import keys
from workers.routing import queue_of

_LONG_AGO = 10.0  # seconds; every worker looks for them every two
_LOOKED_AT = 100  # jobs of each: as many as a worker takes at once


def lease_findings(snapshot: Snapshot, connection: redis.Redis) -> Iterator[Finding]:
    """Tell of leases that are over, and that no worker has taken over.

    Args:
        snapshot: The server's time.
        connection: Where they are.
    """
    now = snapshot.time.timestamp()
    latest = (now - _LONG_AGO) * 1000
    dead: Any = connection.zrangebyscore(keys.holders(), "-inf", latest, withscores=True)
    jobs = _held_by([as_text(holder) for holder, _ in dead], connection)
    if not jobs:
        return
    queues = list(dict.fromkeys(queue_of(name) for name in _lists_of(jobs, connection) if name))
    # One that left by itself wrote no time.
    longest = max((now - score / 1000 for _, score in dead if score), default=0.0)
    since = f" {span(longest)} ago" if longest else ""
    it = "it" if len(jobs) == 1 else "them"
    yield Finding(
        "taken_and_abandoned",
        "warning",
        f"{number(len(jobs), 'job')} of {listed(queues)} {are(len(jobs))} in the hands of a worker "
        f"that vanished{since}, and no other one has taken {it} over.",
        f"Any worker does, within seconds: start one, `postroom worker {' '.join(queues)}`.",
    )


def _held_by(holders: Sequence[str], connection: redis.Redis) -> Sequence[str]:
    with connection.pipeline(transaction=False) as pipe:
        for holder in holders:
            pipe.zrange(keys.leases(holder), 0, _LOOKED_AT - 1)
        tokens = [token for held in pipe.execute() for token in held]
    return [as_text(token).rpartition(":")[0] for token in tokens]


def _lists_of(jobs: Sequence[str], connection: redis.Redis) -> Sequence[str]:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in jobs:
            pipe.hget(keys.job(job_id), "origin")
        return [as_text(name or b"") for name in pipe.execute()]
