"""One job for a page: what it holds, and what became of it, step by step. Only reads."""

from datetime import datetime
from typing import Any

import redis

from messages.masking import masked
from monitoring.jobs import get_job_status
from monitoring.jobs.payloads import payload_of
from monitoring.jobs.timeline import spans_of, time_by_state
from workers.clock import utc_now
from workers.connection import default_connection, storage_errors

JsonDict = dict[str, Any]


def get_job_detail(
    job_id: str, *, now: datetime | None = None, connection: redis.Redis | None = None
) -> JsonDict:
    """What is known about a job, with its message.

    Args:
        job_id: The job.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Returns:
        As `get_job_status`, and

        - `message`: the envelope with its secrets masked; None if it is not kept any more.
        - `timeline`: the states it went through, oldest first, each with `state`, `at`, `until` and
          `durationMs`, where the last two are None while it is in that state. A run is one span,
          `active`, with `attempt`, `outcome`, `worker` and `error`; the time until the next attempt
          is `backing off`, with `delaySeconds`, `tier` and `why`, None if not known; an end may
          have its `reason`, and `replayed` has `jobId`, the new job's, and `by`.
        - `states`: for each of these states `state`, `count`, `totalMs` up to now (None for one in
          which it stays) and `isPresent`.

    Raises:
        JobNotFound: If nothing is known about it.
        RecordDamaged: As `get_job_status`.
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    status = get_job_status(job_id, connection=connection)
    with storage_errors():
        envelope = payload_of(job_id, connection=connection)
    spans = spans_of(status)
    return {
        **status,
        "message": None if envelope is None else masked(envelope),
        "timeline": [span.told() for span in spans],
        "states": time_by_state(spans, now=now or utc_now()),
    }
