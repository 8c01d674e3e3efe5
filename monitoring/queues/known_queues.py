"""Whether there is a queue of a name, so that a slip of the pen is told as one."""

from typing import Any

import redis

from monitoring.answers import as_text
from monitoring.errors import QueueNotFound, unknown_queue
from workers import dead_letters, keys
from workers.connection import storage_errors
from workers.errors import JobNotFound
from workers.routing import is_queue_of, queue_of
from workers.settings import Settings, load_settings


def check_queue(name: str, *, connection: redis.Redis) -> None:
    """Refuse the name of a queue that nobody knows.

    Args:
        name: A queue's, without its priority.
        connection: Where.

    Raises:
        QueueNotFound: If it is neither in the settings nor was ever used.
    """
    with storage_errors():
        used: Any = connection.smembers(keys.queues())
    prefix = keys.queue("")
    known = {queue_of(as_text(key).removeprefix(prefix)) for key in used}
    known |= {queue_of(each) for each in load_settings().queues}
    if name not in known:
        raise unknown_queue(name, known)


def check_own_queue(
    name: str, tenant: str | None, *, settings: Settings, connection: redis.Redis
) -> None:
    """As `check_queue`; for who may see one tenant only, other queues are not there.

    Args:
        name: A queue's, without its priority.
        tenant: The only one that may be seen; None means all.
        settings: The routes, which say what a tenant's own queues are.
        connection: Where.

    Raises:
        QueueNotFound: If nobody knows it, or it is not the tenant's own.
    """
    if tenant is None:
        check_queue(name, connection=connection)
        return
    not_there = QueueNotFound(
        f"Tenant {tenant} has no queue {name}.",
        field="queue",
        remedy="QUEUE_ROUTES says which queues are a tenant's own.",
    )
    if not is_queue_of(tenant, name, settings.queue_routes):
        raise not_there
    try:
        check_queue(name, connection=connection)
    except QueueNotFound:  # its remedy names queues of others
        raise not_there from None


def check_queue_of(job_id: str, queue: str, *, connection: redis.Redis) -> None:
    """Refuse a job that belongs to another queue than the one that was named with it.

    Args:
        job_id: The job, or the dead letter of one whose record is gone.
        queue: A queue's name, without its priority.
        connection: Where.

    Raises:
        JobNotFound: If there is no such job in the queue.
    """
    with storage_errors():
        stored: Any = connection.hget(keys.job(job_id), "origin")
        letter = None if stored else dead_letters.find(job_id, connection=connection)
    origin = as_text(stored) if stored else "" if letter is None else letter.queue
    if queue not in {origin, queue_of(origin)}:
        where = f"; it is in queue {queue_of(origin)}" if origin else ""
        raise JobNotFound(f"There is no job {job_id} in queue {queue}{where}.", field="job_id")
