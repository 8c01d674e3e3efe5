"""How fast a queue moves that nobody has watched: two looks, some seconds apart. Only reads."""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import redis

from monitoring.answers import server_time
from monitoring.explain.facts import QueueFacts
from monitoring.explain.queue_facts import runs_in
from monitoring.numbers.buckets import per_queue, read_sums
from monitoring.numbers.depths import read_depths
from monitoring.numbers.forecast import growth_per_minute
from monitoring.numbers.spans import pieces_of
from monitoring.queues.living import living_and_dead
from monitoring.queues.look import Look
from monitoring.queues.snapshot import queue_lists, started
from workers import keys

_FEW = 10  # runs between two looks that say less than the counters of minutes


@dataclass(frozen=True)
class Pace:
    """How fast a queue moved between two looks.

    Args:
        queue: Its name.
        done_per_minute: Runs that ended, whichever way; None if they were too few to say.
        grows_per_minute: By how many jobs the backlog changed; below 0 if it shrank.
    """

    queue: str
    done_per_minute: float | None
    grows_per_minute: float

    def given_to(self, facts: QueueFacts) -> QueueFacts:
        """Those facts with a forecast at this pace; facts of another queue as they are.

        Args:
            facts: They, read after the second look: jobs that are ahead have gone on until then.
        """
        forecast = facts.forecast
        if forecast is None or facts.name != self.queue:
            return facts
        done = forecast.done_per_minute if self.done_per_minute is None else self.done_per_minute
        moved = replace(forecast, done_per_minute=done, grows_per_minute=self.grows_per_minute)
        return replace(facts, forecast=moved)


@dataclass(frozen=True)
class _Count:
    at: datetime
    jobs: int
    runs: int


def measured_pace(queue: str, look: Look, *, seconds: float) -> Pace | None:
    """Wait and count what a queue does meanwhile, if it moves and nobody has watched it.

    Args:
        queue: Its name.
        look: All queues and workers.
        seconds: How long to wait.

    Returns:
        Its pace; None, at once, if it was watched, or there is nothing to watch: no such queue, no
        job that waits, or no worker.
    """
    if not _is_worth_it(queue, look):
        return None
    since = look.now - timedelta(minutes=1)
    first = _count(queue, since, look.connection)
    time.sleep(seconds)
    second = _count(queue, since, look.connection)
    minutes = (second.at - first.at).total_seconds() / 60
    runs = second.runs - first.runs
    done = runs / minutes if runs >= _FEW else None
    return Pace(queue, done, (second.jobs - first.jobs) / minutes)


def _is_worth_it(queue: str, look: Look) -> bool:
    known = look.snapshot.queues.get(queue)
    if known is None or not known.total.waiting:
        return False
    living, _ = living_and_dead(
        look.snapshot, silent_seconds=look.settings.lease_seconds, connection=look.connection
    )
    if not living.listening(*queue_lists(queue)):
        return False
    depths = read_depths(now=look.now, connection=look.connection)
    return growth_per_minute(depths.get(queue, ())) is None


def _count(queue: str, since: datetime, connection: redis.Redis) -> _Count:
    with connection.pipeline(transaction=False) as pipe:
        pipe.time()
        for name in queue_lists(queue):
            pipe.llen(keys.queue(name))
            pipe.llen(keys.intermediate(name))
            pipe.zcard(started(name))
        clock, *counts = pipe.execute()
    now = server_time(clock)
    # Of both counts from the same minute on: a new one may begin between them.
    minutes = pieces_of("m", since, now + timedelta(seconds=1))
    buckets = read_sums(minutes, connection=connection)
    return _Count(now, sum(counts), runs_in(per_queue(buckets).get(queue)))
