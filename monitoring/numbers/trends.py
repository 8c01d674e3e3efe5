"""How queues did over a day, a week or a month, in the shape of requirement 001. Only reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import redis

from monitoring.answers import server_time
from monitoring.numbers.buckets import per_queue, read_total
from monitoring.numbers.figures import Figures
from monitoring.numbers.periods import period_of
from monitoring.numbers.rates import Sample
from monitoring.queues.snapshot import queue_names
from workers import keys
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

JsonDict = dict[str, Any]

_NOTHING = Figures()


def get_trends(
    period: str = "24h",
    *,
    connection: redis.Redis | None = None,
    now: datetime | None = None,
) -> Sequence[JsonDict]:
    """What `GET /admin/jobs/trends` of requirement 001 tells.

    Args:
        period: `24h`, `7d` or `30d`, until now; the first may be longer by less than a minute, the
            others by less than an hour.
        connection: Where; None means the server that the settings name.
        now: Aware; None means the time by Redis' clock.

    Returns:
        For each queue of the settings or that was ever used, and then for the streams of each
        family: `queueName`, `period` as asked, `successful`, `failed` (for good; retries do not
        count), `total`, `successRate` (per cent, two decimals, 100 if nothing ended), and
        `avgProcessingTime`: how long the last runs of all these jobs took, in ms with up to three
        decimals, 0 if nothing ended. All are exact, from the engine's counters.
        It takes 2 round trips.

    Raises:
        InvalidQuery: If there is no such period.
        StorageUnavailable: If Redis does not answer.
    """
    asked = period_of(period)
    connection = connection or default_connection()
    with storage_errors():
        with connection.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.smembers(keys.queues())
            clock, used = pipe.execute()
        at = now or server_time(clock)
        found = per_queue([read_total(asked.pieces(at), connection=connection)])
    names = queue_names(load_settings().queues, used)
    others = sorted(set(found).difference(names))
    return [_row(name, period, found.get(name, _NOTHING)) for name in (*names, *others)]


def summed(figures: Figures) -> Mapping[str, Any]:
    """What ended, under the names of requirement 001.

    Args:
        figures: Of a queue, a type, or all.
    """
    sample = Sample(figures.finished, figures.failed)
    return {
        "successful": sample.finished,
        "failed": sample.failed,
        "total": sample.size,
        "successRate": sample.success_rate,
        "avgProcessingTime": round(figures.run.average_ms or 0, 3),
    }


def _row(name: str, period: str, figures: Figures) -> JsonDict:
    return {"queueName": name, "period": period, **summed(figures)}
