"""The lists of rq-dashboard in few round trips: what it does itself asks eight times a queue.

Of a page beyond the first it would read everything up to that page, too.
"""

from collections.abc import Sequence
from typing import Any

import redis
from flask import current_app, url_for
from rq_dashboard import web

from monitoring.web.rq_dashboard.records import ShownJob
from workers import keys

REGISTRIES = {
    "failed": keys.failed,
    "started": keys.started,
    "deferred": keys.deferred,
    "finished": keys.finished,
    "canceled": keys.canceled,
    "scheduled": keys.scheduled,
}
"""Their names in rq-dashboard, and their keys."""


def queues_shown(instance_number: int, queues: Sequence[Any]) -> list[dict[str, Any]]:
    """Counts and addresses of queues, as `rq_dashboard.web.serialize_queues` gives them.

    Args:
        instance_number: The server, in rq-dashboard's count.
        queues: The lists of all queues.
    """
    connection: redis.Redis = current_app.redis_conn  # type: ignore[attr-defined]
    with connection.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.llen(keys.queue(queue.name))
            for key_of in REGISTRIES.values():
                pipe.zcard(key_of(queue.name))
        counts = iter(pipe.execute())
    return [
        {"name": queue.name, "count": next(counts)}
        | {f"{name}_job_registry_count": next(counts) for name in REGISTRIES}
        | _addresses(instance_number, queue.name)
        for queue in queues
    ]


def jobs_shown(  # noqa: PLR0913, PLR0917 - what rq-dashboard passes
    queue_name: str,
    registry_name: str,
    offset: int,
    per_page: int,
    order: str,
    connection: redis.Redis,
) -> tuple[int, list[dict[str, Any]]]:
    """A page of jobs, as `rq_dashboard.web.get_queue_registry_jobs_count` gives it.

    Args:
        queue_name: The list.
        registry_name: `queued`, or one of `REGISTRIES`.
        offset: How many jobs the pages before have.
        per_page: How many jobs a page has.
        order: `dsc` for the last first.
        connection: Where.

    Returns:
        How many jobs there are in all, and those of the page.
    """
    first, last = offset, offset + per_page - 1
    if order == "dsc":
        first, last = -1 - last, -1 - first
    with connection.pipeline(transaction=False) as pipe:
        if registry_name == "queued":
            pipe.llen(keys.queue(queue_name))
            pipe.lrange(keys.queue(queue_name), first, last)
        else:
            pipe.zcard(REGISTRIES[registry_name](queue_name))
            pipe.zrange(REGISTRIES[registry_name](queue_name), first, last)
        total, found = pipe.execute()
    # An entry of those that run is a job and its execution.
    ids = [entry.decode(errors="replace").partition(":")[0] for entry in found]
    jobs = ShownJob.fetch_page(ids[::-1] if order == "dsc" else ids, connection=connection)
    return int(total), [web.serialize_job(job) for job in jobs if job.origin == queue_name]


def _addresses(instance_number: int, name: str) -> dict[str, str]:
    address = url_for(
        ".jobs_overview",
        instance_number=instance_number,
        queue_name=name,
        registry_name="queued",
        per_page=8,
        order="asc",
        page=1,
    )
    begin, _, end = address.rpartition("/queued/")
    return {f"{each}_url": f"{begin}/{each}/{end}" for each in ("queued", *REGISTRIES)}
