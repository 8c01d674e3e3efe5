"""Whether there is a job, or something that is left of one."""

import redis

from workers import keys
from workers.connection import storage_errors
from workers.errors import JobNotFound


def check_job(job_id: str, *, connection: redis.Redis) -> None:
    """Refuse the id of a job that nobody knows.

    Args:
        job_id: The job.
        connection: Where.

    Raises:
        JobNotFound: If there is neither its record, nor its log, nor its dead letter.
    """
    traces = (keys.job(job_id), keys.job_log(job_id), keys.dead_letter(job_id))
    with storage_errors():
        if not connection.exists(*traces):
            raise JobNotFound(f"There is no job {job_id}.", field="job_id")
