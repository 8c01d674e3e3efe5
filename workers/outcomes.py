"""Tells those who wait for a job that it is over: a capped stream of the newest outcomes."""

from typing import Literal

import redis

from workers import keys

KEPT = 10_000
"""Outcomes in the stream; who waits reads them within a second."""


def announce(
    job_id: str, status: Literal["finished", "failed"], *, connection: redis.Redis
) -> None:
    """Say that a job is over. Comes after its record was written.

    Args:
        job_id: The job.
        status: How it ended.
        connection: Where.
    """
    entry = {"id": job_id, "status": status}
    connection.xadd(keys.done(), entry, maxlen=KEPT, approximate=True)  # type: ignore[arg-type]
