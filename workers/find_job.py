"""RQ's record of one job, read without running or unpickling anything."""

import re

import redis
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

_is_id = re.compile(r"[A-Za-z0-9_-]+").fullmatch  # what RQ takes for an id (rq/job.py)


def find_job(job_id: str, *, connection: redis.Redis) -> Job | None:
    """A job's record.

    Args:
        job_id: Any text, such as somebody's slip of the pen.
        connection: Where.

    Returns:
        The record; None if there is none, or no job can be called like that.
    """
    if not _is_id(job_id):
        return None
    try:
        return Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
    except NoSuchJobError:
        return None
