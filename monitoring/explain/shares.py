"""Which message types the workers of a queue spend their time on. Only reads."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import redis

from monitoring.answers import as_text, as_time
from monitoring.explain.facts import Share
from monitoring.numbers.buckets import Bucket, per_stat
from monitoring.queues.snapshot import Snapshot
from monitoring.queues.stats import message_type_of
from workers import keys
from workers.routing import queue_of

_SHOWN = 5


def read_shares(
    buckets: Iterable[Bucket], snapshot: Snapshot, *, connection: redis.Redis
) -> Mapping[str, Sequence[Share]]:
    """What took the time, in one round trip for what still runs.

    Args:
        buckets: Of the last minutes.
        snapshot: The workers, and what each of them runs.
        connection: Where.

    Returns:
        By queue, the type that took the most first; five types at most. Of a worker that runs
        several jobs at once, one of them counts.
    """
    seconds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    now: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for stat, figures in per_stat(buckets).items():
        taken = sum(each.run.sum_us for each in figures.outcomes.values())
        seconds[stat.queue][stat.type] += taken / 1e6  # type: ignore[assignment]
    for queue, kind, ran in _running(snapshot, connection):
        seconds[queue][kind] += ran  # type: ignore[assignment]
        now[queue][kind] += 1
    return {
        queue: [Share(kind, each, now[queue][kind]) for kind, each in kinds.most_common(_SHOWN)]
        for queue, kinds in seconds.items()
    }


def _running(snapshot: Snapshot, connection: redis.Redis) -> Iterator[tuple[str, str, float]]:
    jobs = [worker.current_job for worker in snapshot.workers if worker.current_job]
    with connection.pipeline(transaction=False) as pipe:
        for job_id in jobs:
            pipe.hmget(keys.job(job_id), ["origin", "description", "started_at"])
        records = pipe.execute()
    for origin, description, began in records:
        moment = as_time(began)
        if origin is not None and moment is not None:
            kind = message_type_of(description) or as_text(description or b"?")
            ran = max(0.0, (snapshot.time - moment).total_seconds())
            yield queue_of(as_text(origin)), kind, ran
