"""Whose job it is, for those who may see one tenant only. Only reads."""

from typing import Any

import redis

from messages import PostroomError, parse_message
from monitoring.jobs.payloads import payload_of
from workers.connection import storage_errors
from workers.errors import JobNotFound


def check_job_of(tenant: str | None, job_id: str, *, connection: redis.Redis) -> None:
    """Refuse the job of another tenant, in the words in which one is refused that is not there.

    Args:
        tenant: The only one whose jobs may be seen; None means all, and nothing is looked up.
        job_id: The job.
        connection: Where.

    Raises:
        JobNotFound: If its message is another tenant's, is nobody's, or is not kept any more.
    """
    if tenant is None:
        return
    with storage_errors():
        envelope = payload_of(job_id, connection=connection)
    if not is_of(tenant, envelope):
        raise JobNotFound(f"Tenant {tenant} has no job {job_id}.", field="job_id")


def is_of(tenant: str | None, envelope: Any) -> bool:
    """Whether a message may be shown to who may see one tenant only.

    Args:
        tenant: Which one; None means all.
        envelope: The envelope as an object, or whatever a record holds.

    Returns:
        Whether its type says so, by `metadata["tenant"]` unless it knows better. Of a message that
        cannot be read nobody knows whose it is, so it is not.
    """
    if tenant is None:
        return True
    try:
        return isinstance(envelope, dict) and parse_message(envelope).tenant == tenant
    except PostroomError:
        return False
