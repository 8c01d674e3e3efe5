"""What a person does to one job: cancel, stop, promote, delete. Each leaves one audit entry.

To send a failed one again is in `successors`.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import redis
from rq.command import send_command
from rq.utils import utcformat

from workers import audit, keys
from workers.audit import By
from workers.cancelling import cancel_job
from workers.clock import utc_now
from workers.connection import default_connection, storage_errors
from workers.dependents import settle_dependents
from workers.errors import InvalidState, JobNotFound
from workers.scripts import script

_LOOKS, _LOOK_EVERY = 40, 0.05  # seconds apart; workers show what runs for half a second


def cancel(
    job_id: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> None:
    """Take a job out before its handler is called; after that the handler is never called.

    Jobs that depend on it follow their `on_parent_failure`.

    Args:
        job_id: The job.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Raises:
        JobNotFound: If there is no record of it.
        InvalidState: If a worker has begun it, which takes half a second to find out, or it is
            over.
    """
    made = by.entry("job.cancel", target=job_id, now=now)
    connection = connection or default_connection()
    with storage_errors():
        state = cancel_job(job_id, connection=connection, entry=audit.arguments(made))
        if state != "canceled":
            raise _refused(job_id, state, "cancelled", _instead_of_cancel(job_id, state))
        settle_dependents(job_id, connection=connection)
    audit.tell(made)


def stop(
    job_id: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> str:
    """Tell the worker that runs a job to stop it. The job's state is `stopped` soon after.

    Its handler is interrupted, or sees that `context.cancelled()` is true, and after `STOP_GRACE`
    the job's process is killed; of a job that RQ's own code runs it is at once. A stopped job is
    no dead letter. Of a job that has
    just begun nobody knows yet who runs it: this waits for that, for at most 2 s.

    Args:
        job_id: The job.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Returns:
        The name of the worker.

    Raises:
        JobNotFound: If there is no record of it.
        InvalidState: If no worker runs it.
    """
    connection = connection or default_connection()
    with storage_errors():
        status, worker = _runner_of(job_id, connection)
        if status != "started" or not worker:
            raise _refused(job_id, status, "stopped", "Only a running job can be stopped.")
        by.record(
            "job.stop", target=job_id, details={"worker": worker}, now=now, connection=connection
        )
        # Not rq's send_stop_job_command: it reads the whole job, and fails if that is corrupt.
        send_command(connection, worker, "stop-job", job_id=job_id)
    return worker


def promote(
    job_id: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> None:
    """Let a job that waits for a time run now. Its queue TTL begins now, too.

    A job that is due already is left to the worker that is about to take it.

    Args:
        job_id: The job.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Raises:
        JobNotFound: If there is no record of it.
        InvalidState: If it does not wait for a time.
    """
    moment = now or utc_now()
    made = by.entry("job.promote", target=job_id, now=moment)
    connection = connection or default_connection()
    with storage_errors():
        state = _promote(job_id, moment, audit.arguments(made), connection)
    if state == "promoted":
        audit.tell(made)
    elif state != "due":
        raise _refused(job_id, state, "promoted", "Only a job that is due later can be promoted.")


def promote_silently(job_id: str, *, connection: redis.Redis) -> bool:
    """As `promote`, for a bulk that has its own entry in the audit log.

    Args:
        job_id: The job.
        connection: Where.

    Returns:
        False if it does not wait for a time; nothing is changed then.
    """
    return _promote(job_id, utc_now(), (), connection) in {"promoted", "due"}


def delete(
    job_id: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> None:
    """Remove a job and its records. Its dead letter, if it has one, stays.

    Jobs that depend on it follow their `on_parent_failure`.

    Args:
        job_id: The job.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Raises:
        JobNotFound: If there is no record of it.
        InvalidState: If a worker has it.
    """
    made = by.entry("job.delete", target=job_id, now=now)
    connection = connection or default_connection()
    with storage_errors():
        name = _origin(job_id, connection)
        state = _run(
            "delete",
            [*_records(job_id, name), *_registries(name)],
            [job_id, *audit.arguments(made)],
            connection,
        )
        if not state.startswith("deleted"):
            raise _refused(job_id, state, "deleted", "Stop it first: `postroom jobs stop ID`.")
        if state != "deleted finished":
            settle_dependents(job_id, connection=connection)
        connection.unlink(keys.dependents(job_id))
    audit.tell(made)


def _promote(
    job_id: str, moment: datetime, entry: Sequence[str | int], connection: redis.Redis
) -> str:
    name = _origin(job_id, connection)
    return _run(
        "promote",
        [keys.job(job_id), *_places(name, keys.scheduled, keys.queue), keys.audit()],
        [job_id, utcformat(moment), *entry],
        connection,
    )


def _runner_of(job_id: str, connection: redis.Redis) -> tuple[str, str]:
    """A job's state, and the worker that has shown that it runs it."""
    for _ in range(_LOOKS):
        stored: Any = connection.hmget(keys.job(job_id), ["status", "worker_name", "origin"])
        status, worker, name = ((value or b"").decode(errors="replace") for value in stored)
        if status != "queued":
            return status, worker
        if not _is_leased(job_id, name, connection):
            return status, ""
        time.sleep(_LOOK_EVERY)
    return "taken by a worker, and waits there", ""


def _is_leased(job_id: str, name: str, connection: redis.Redis) -> bool:
    found: Any = connection.zrange(keys.started(name), 0, -1)
    begin = f"{job_id}:".encode()
    return any(token.startswith(begin) for token in found)


def _instead_of_cancel(job_id: str, state: str) -> str:
    if state in {"started", "taken by a worker"}:
        return f"Let it end, or stop it while it runs: `postroom jobs stop {job_id}`."
    return f"It is over: `postroom job {job_id}` shows how it ended."


def _records(job_id: str, name: str) -> Sequence[str]:
    return (
        keys.job(job_id),
        keys.queue(name),
        keys.audit(),
        keys.result(job_id),
        keys.attempts(job_id),
        keys.progress(job_id),
        keys.job_log(job_id),
        keys.dependencies(job_id),
    )


def _registries(name: str) -> Sequence[str]:
    return _places(name, keys.scheduled, keys.deferred, keys.finished, keys.failed, keys.canceled)


def _places(name: str, *places: Any) -> Sequence[str]:
    return [place(name) for place in places]


def _run(name: str, names: Sequence[str], args: Sequence[Any], connection: redis.Redis) -> str:
    done: Any = connection.register_script(script("workers", name))(keys=names, args=args)
    return str(done.decode(errors="replace"))


def _origin(job_id: str, connection: redis.Redis) -> str:
    stored: Any = connection.hget(keys.job(job_id), "origin")
    return stored.decode(errors="replace") if stored is not None else ""


def _refused(job_id: str, state: str, done: str, remedy: str) -> InvalidState | JobNotFound:
    if not state:
        return JobNotFound(f"There is no job {job_id}.", field="job_id")
    return InvalidState(
        f"Job {job_id} is {state}, so it cannot be {done}.", field="job_id", remedy=remedy
    )
