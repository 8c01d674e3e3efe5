"""Tells that a job is over: those who wait for it, and the next one with its unique key."""

from typing import Literal

import redis

from workers import keys
from workers.scripts import script

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
    connection.register_script(script("workers", "announce"))(
        keys=[keys.done(), keys.job(job_id)], args=[job_id, status, KEPT]
    )
