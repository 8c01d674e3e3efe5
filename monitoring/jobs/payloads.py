"""The message of a job, wherever it still stands. Only reads."""

from typing import Any

import redis
from rq.job import Job

from workers import dead_letters
from workers.dead_letters import DeadLetter
from workers.errors import RecordDamaged
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

    Raises:
        RecordDamaged: If its record cannot be read, and it has no dead letter.
    """
    letter = dead_letters.find(job_id, connection=connection)
    job = job_beside(letter, job_id, connection=connection)
    if job is not None:
        return envelope_of(job)
    return None if letter is None else letter.envelope


def job_beside(letter: DeadLetter | None, job_id: str, *, connection: redis.Redis) -> Job | None:
    """A job's record.

    Args:
        letter: Its dead letter, if it has one: what tells of it if the record is damaged.
        job_id: The job.
        connection: Where.

    Returns:
        The record; None if there is none, or only the letter can be read.

    Raises:
        RecordDamaged: If its record cannot be read, and it has no dead letter.
    """
    try:
        return find_job(job_id, connection=connection)
    except RecordDamaged:
        if letter is None:
            raise
        return None
