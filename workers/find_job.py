"""RQ's record of a job, read without running or unpickling anything."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from rq.job import Job
from rq.serializers import JSONSerializer

from workers import keys
from workers.errors import RecordDamaged

_is_id = re.compile(r"[A-Za-z0-9_-]+").fullmatch  # what RQ takes for an id (rq/job.py)

_Record = Mapping[bytes, bytes]


def find_job(job_id: str, *, connection: redis.Redis) -> Job | None:
    """A job's record.

    Args:
        job_id: Any text, such as somebody's slip of the pen.
        connection: Where.

    Returns:
        The record; None if there is none, or no job can be called like that.

    Raises:
        RecordDamaged: If a field of it cannot be read.
    """
    if not _is_id(job_id):
        return None
    stored: Any = connection.hgetall(keys.job(job_id))
    return _read(job_id, stored, connection)


def find_jobs(job_ids: Sequence[str], *, connection: redis.Redis) -> Sequence[Job]:
    """Records of jobs, in one round trip; those that are gone or damaged are left out.

    Args:
        job_ids: The jobs.
        connection: Where.
    """
    ids = [job_id for job_id in job_ids if _is_id(job_id)]
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hgetall(keys.job(job_id))
        records = pipe.execute()
    found: list[Job] = []
    for job_id, record in zip(ids, records, strict=True):
        try:
            job = _read(job_id, record, connection)
        except RecordDamaged:
            continue
        if job is not None:
            found.append(job)
    return found


def _read(job_id: str, record: _Record, connection: redis.Redis) -> Job | None:
    if b"data" not in record:  # what RQ takes for no job (rq/job.py)
        return None
    try:
        return _restored(job_id, record, connection)
    except Exception as error:
        raise _damaged(job_id, record, connection) from error


def _restored(job_id: str, record: _Record, connection: redis.Redis) -> Job:
    job = Job(job_id, connection=connection, serializer=JSONSerializer)
    job.restore(dict(record))
    if not isinstance(job.meta, dict):
        raise TypeError(job.meta)
    if not isinstance(job._dependency_ids, list):  # noqa: SLF001 - the public property asks Redis
        raise TypeError(job._dependency_ids)  # noqa: SLF001
    return job


def _damaged(job_id: str, record: _Record, connection: redis.Redis) -> RecordDamaged:
    """Names the first field that RQ cannot read by itself, but not what it holds."""
    for name, value in record.items():
        try:
            _restored(job_id, {b"data": record[b"data"], name: value}, connection)
        except Exception:  # noqa: BLE001 - a corrupt field can raise anything in RQ's parser
            return RecordDamaged(job_id, name.decode(errors="replace"))
    return RecordDamaged(job_id, "data")
