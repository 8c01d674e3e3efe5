"""How fast a queue moves that nobody has watched: two looks, some seconds apart. Only reads."""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import redis

from monitoring.answers import server_time
from monitoring.explain.facts import QueueFacts
from monitoring.explain.queue_facts import runs_in
from monitoring.numbers.buckets import per_queue, read_sums
from monitoring.numbers.spans import pieces_of
from monitoring.queues.snapshot import queue_lists, started
from workers import keys

_FEW = 10  # runs between two looks that say less than the counters of minutes


@dataclass(frozen=True)
class _Look:
    at: datetime
    jobs: int
    runs: int


def looked_twice(facts: QueueFacts, *, seconds: float, connection: redis.Redis) -> QueueFacts:
    """The facts with a forecast, if they lack one and jobs wait.

    Args:
        facts: Of the queue.
        seconds: How long to wait between the looks; 0 looks at nothing.
        connection: Where.
    """
    forecast = facts.forecast
    is_known = forecast is None or forecast.grows_per_minute is not None
    if is_known or forecast is None or not seconds or not facts.counts.waiting or not facts.workers:
        return facts
    since = facts.now - timedelta(minutes=1)
    first = _look(facts.name, since, connection)
    time.sleep(seconds)
    second = _look(facts.name, since, connection)
    minutes = (second.at - first.at).total_seconds() / 60
    runs = second.runs - first.runs
    done = runs / minutes if runs >= _FEW else forecast.done_per_minute
    grows = (second.jobs - first.jobs) / minutes
    return replace(facts, forecast=replace(forecast, done_per_minute=done, grows_per_minute=grows))


def _look(queue: str, since: datetime, connection: redis.Redis) -> _Look:
    with connection.pipeline(transaction=False) as pipe:
        pipe.time()
        for name in queue_lists(queue):
            pipe.llen(keys.queue(name))
            pipe.llen(keys.intermediate(name))
            pipe.zcard(started(name))
        clock, *counts = pipe.execute()
    now = server_time(clock)
    # Of both looks from the same minute on: a new one may begin between them.
    minutes = pieces_of("m", since, now + timedelta(seconds=1))
    buckets = read_sums(minutes, connection=connection)
    return _Look(now, sum(counts), runs_in(per_queue(buckets).get(queue)))
