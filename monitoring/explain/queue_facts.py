"""Reads the facts of queues, for the rules. Only reads.

However many queues there are, it takes some twenty round trips, and looks at some hundred
scheduled jobs and 200 dead letters at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from rq.suspension import WORKERS_SUSPENDED

from monitoring.doctor.clocks import clock_findings
from monitoring.doctor.finding import Finding
from monitoring.doctor.server import read_server, server_findings
from monitoring.doctor.workers import served_findings
from monitoring.explain.facts import Letters, QueueFacts, Share
from monitoring.explain.recent_letters import recent_letters
from monitoring.explain.shares import read_shares
from monitoring.explain.waiting_retries import LookedAt, read_retries
from monitoring.jobs.late import Late, abandoned_jobs, overdue_jobs
from monitoring.numbers.buckets import per_queue, read_sums
from monitoring.numbers.depths import read_depths
from monitoring.numbers.figures import Figures
from monitoring.numbers.forecast import Depth, Forecast, growth_per_minute
from monitoring.numbers.last_minute import Minutes, ended_in_last_minute
from monitoring.numbers.spans import pieces_of
from monitoring.queues.fleet import WorkerSnapshot
from monitoring.queues.living import living_and_dead
from monitoring.queues.look import Look
from monitoring.queues.many_lists import oldest_waiting
from monitoring.queues.snapshot import Counts, Snapshot, queue_lists
from workers.routing import queue_of

MINUTES = 10
"""How many of the last minutes count."""
_FLOWING = 3  # of which the newest say how fast it goes at present
_SERIOUS = frozenset({"memory_nearly_full", "eviction_policy", "redis_is_replica"})
_RUNS = (
    *("finished", "failed", "stopped"),
    *("retried", "crashed", "handed_back", "held"),
)
"""The outcomes of runs, after which a job has left its worker."""


@dataclass(frozen=True)
class _Seen:
    """What was read for all queues together."""

    snapshot: Snapshot
    dead: Sequence[WorkerSnapshot]
    now: datetime
    own: frozenset[str]
    ages: Mapping[str, float]
    figures: Mapping[str, Figures]
    flowing: Minutes
    ended: Mapping[str, float]
    depths: Mapping[str, Sequence[Depth]]
    suspended: int | None
    clocks: Sequence[Finding]
    server: Sequence[Finding]
    shares: Mapping[str, Sequence[Share]]
    retries: Mapping[str, LookedAt]
    letters: Mapping[str, Sequence[Letters]]
    overdue: Mapping[str, Late]
    abandoned: Mapping[str, Late]


def read_queue_facts(names: Iterable[str], look: Look) -> Mapping[str, QueueFacts]:
    """What is known of some queues.

    Args:
        names: They; those that do not exist are left out.
        look: All queues and workers.

    Returns:
        By name.
    """
    snapshot, now, connection = look.snapshot, look.now, look.connection
    queues = [name for name in dict.fromkeys(names) if name in snapshot.queues]
    living, dead = living_and_dead(
        snapshot, silent_seconds=look.settings.lease_seconds, connection=connection
    )
    lists = [name for queue in queues for name in queue_lists(queue)]
    begin, end = now - timedelta(minutes=MINUTES), now + timedelta(seconds=1)
    buckets = read_sums(pieces_of("m", begin, end), connection=connection)
    flowing = [(each.begin, per_queue([each])) for each in buckets[-_FLOWING:]]
    seen = _Seen(
        snapshot=living,
        dead=dead,
        now=now,
        own=frozenset(queue_of(name) for name in look.settings.queues),
        ages=oldest_waiting(lists, time=now, connection=connection),
        figures=per_queue(buckets),
        flowing=flowing,
        ended=ended_in_last_minute(flowing, now=now, connection=connection),
        depths=read_depths(now=now, connection=connection),
        suspended=_suspended(snapshot, connection),
        clocks=list(clock_findings(living, look.machine)),
        server=_server(snapshot.total, connection),
        shares=read_shares(buckets, living, connection=connection),
        retries=read_retries(queues, snapshot, connection=connection),
        letters=recent_letters(now=now, connection=connection),
        overdue=overdue_jobs(queues, snapshot, now=now, connection=connection),
        abandoned=abandoned_jobs(now=now, connection=connection),
    )
    return {name: _facts(name, seen) for name in queues}


def runs_in(figures: Figures | None) -> int:
    """How many runs ended, whichever way.

    Args:
        figures: Of a queue; None if nothing ended.
    """
    return 0 if figures is None else sum(figures.count(outcome) for outcome in _RUNS)


def _facts(name: str, seen: _Seen) -> QueueFacts:
    lists = queue_lists(name)
    looked = seen.retries.get(name, LookedAt())
    workers = seen.snapshot.listening(*lists)
    counts = seen.snapshot.queues[name].total
    figures = seen.figures.get(name, Figures())
    return QueueFacts(
        name=name,
        now=seen.now,
        counts=counts,
        oldest_seconds=max((seen.ages[each] for each in lists if each in seen.ages), default=None),
        pauses=seen.snapshot.pauses_of(name),
        suspended_seconds=seen.suspended,
        workers=workers,
        dead=[each for each in seen.dead if not set(lists).isdisjoint(each.lists)],
        shares=seen.shares.get(name, ()),
        retries=looked.retries,
        looked_at=looked.count,
        letters=seen.letters.get(name, ()),
        ended={outcome: tally.count for outcome, tally in figures.outcomes.items()},
        ended_per_minute=seen.ended.get(name, 0.0),
        average_ms=figures.run.average_ms,
        forecast=_forecast(name, counts.waiting, len(workers), seen),
        overdue=seen.overdue.get(name, (0, 0.0)),
        abandoned=seen.abandoned.get(name, (0, 0.0)),
        clocks=seen.clocks,
        server=seen.server,
        served=_served(name, seen),
    )


def _forecast(name: str, waiting: int, workers: int, seen: _Seen) -> Forecast:
    done = [(begin, runs_in(each.get(name))) for begin, each in seen.flowing]
    first = next((begin for begin, runs in done if runs), None)
    grows = growth_per_minute(seen.depths.get(name, ()))
    if first is None:
        return Forecast(waiting, workers, 0.0, grows)
    minutes = max(1.0, (seen.now - first).total_seconds()) / 60
    return Forecast(waiting, workers, sum(runs for _, runs in done) / minutes, grows)


def _served(name: str, seen: _Seen) -> Sequence[Finding]:
    queue = seen.snapshot.queues[name]
    return list(served_findings(queue, seen.snapshot, seen.ages, is_own=name in seen.own))


def _suspended(snapshot: Snapshot, connection: redis.Redis) -> int | None:
    if not snapshot.suspended:
        return None
    seconds: Any = connection.ttl(WORKERS_SUSPENDED)
    return int(seconds)


def _server(jobs: Counts, connection: redis.Redis) -> Sequence[Finding]:
    found = server_findings(read_server(connection), jobs)
    return [finding for finding in found if finding.code in _SERIOUS]
