"""The message of a job, wherever it still stands. Only reads."""

from typing import Any

import redis

from workers import dead_letters
from workers.find_job import find_job
from workers.jobs import envelope_of


def payload_of(job_id: str, *, connection: redis.Redis) -> Any:
    """A job's envelope.

    Args:
        job_id: The job.
        connection: Where.

    Returns:
        The envelope as an object, secrets and all; text of one that cannot be read; None if it is
        not kept.
    """
    job = find_job(job_id, connection=connection)
    if job is not None:
        return envelope_of(job)
    letter = dead_letters.find(job_id, connection=connection)
    return None if letter is None else letter.envelope
