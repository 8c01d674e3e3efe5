"""Whose a job or a dead letter is, for those who may see one tenant only. Only reads."""

import json
from typing import Any

import redis

from monitoring.answers import as_text
from monitoring.jobs.payloads import payload_of
from workers import dead_letters, keys
from workers.connection import storage_errors
from workers.dead_letters import DeadLetter, DeadLetterNotFound
from workers.dead_letters.letter import tenant_of
from workers.errors import JobNotFound
from workers.tenants import FIELD, mark_of, tenant_mark


def check_job_of(tenant: str | None, job_id: str, *, connection: redis.Redis) -> None:
    """Refuse the job of another tenant, in the words in which one is refused that is not there.

    Args:
        tenant: The only one whose jobs may be seen; None means all, and nothing is looked up.
        job_id: The job.
        connection: Where.

    Raises:
        JobNotFound: If it is another tenant's, or nobody's. Of one whose records do not say whose
            it is, as older releases stored them, the message tells it.
    """
    if tenant is None:
        return
    with storage_errors():
        mark = _mark(job_id, connection)
    if mark != tenant_mark(tenant) or not mark:
        raise JobNotFound(f"Tenant {tenant} has no job {job_id}.", field="job_id")


def letter_of(tenant: str | None, job_id: str, *, connection: redis.Redis) -> DeadLetter:
    """A dead letter that may be seen.

    Args:
        tenant: The only one whose letters may be seen; None means all.
        job_id: Its job.
        connection: Where.

    Raises:
        DeadLetterNotFound: If there is none, or it is another tenant's, or nobody's.
    """
    with storage_errors():
        letter = dead_letters.find(job_id, connection=connection)
    if letter is None or not (tenant is None or tenant_of(letter) == tenant_mark(tenant) != ""):
        raise DeadLetterNotFound(f"There is no dead letter of job {job_id}.", field="job_id")
    return letter


def _mark(job_id: str, connection: redis.Redis) -> str:
    # One round trip for a job of anybody and for none: how long it takes tells nothing either.
    with connection.pipeline(transaction=False) as pipe:
        pipe.hget(keys.job(job_id), FIELD)
        pipe.hget(keys.dead_letter_index(), job_id)
        pipe.exists(keys.job(job_id), keys.dead_letter(job_id))
        said, short, is_there = pipe.execute(raise_on_error=False)
    if isinstance(said, bytes):  # else its key may hold what is no record
        return as_text(said)
    told: Any = {} if short is None else json.loads(short)
    if told.get(FIELD) or not is_there:
        return str(told.get(FIELD) or "")
    return mark_of(payload_of(job_id, connection=connection))
