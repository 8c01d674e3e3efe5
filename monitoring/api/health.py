"""Routes: whether the system works, in the shape of requirement 004, and the overview."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.parts import Asker, JsonDict, Looker, Reader, Writer
from monitoring.fleet import MOST_ROWS, get_workers
from monitoring.health import get_queue_health, get_system_health
from monitoring.jobs.failed import get_failed_jobs
from monitoring.jobs.own import get_own_failures
from monitoring.queues.overview import get_overview
from monitoring.redis_server import get_redis

router = APIRouter(tags=["health"])


@router.get("/api/health")
def system_health(_: Looker, reader: Reader) -> JsonDict:
    """Tell whether Redis answers, and how much there is to do."""
    return get_system_health(connection=reader)


@router.get("/api/health/queues/{queue}")
def queue_health(queue: str, _: Looker, reader: Reader) -> JsonDict:
    """Tell how a queue is."""
    return get_queue_health(queue, connection=reader)


@router.get("/api/overview")
def overview(_: Looker, reader: Reader) -> JsonDict:
    """Count everything, with the workers and what is paused."""
    return get_overview(connection=reader)


@router.get("/api/workers")
def workers(
    _: Looker,
    reader: Reader,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
    cursor: Annotated[str, Query(max_length=2_000)] = "",
) -> JsonDict:
    """List the workers of queues and the consumers of streams, the dead first."""
    return get_workers(limit=limit, cursor=cursor, connection=reader)


@router.get("/api/redis")
def redis_server(_: Looker, writer: Writer) -> JsonDict:
    """Tell how the Redis server is that jobs stand in: never a replica that only routes read."""
    return get_redis(connection=writer)


@router.get("/api/failed-jobs")
def failed_jobs(
    asker: Asker, reader: Reader, limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> JsonDict:
    """Show the newest failures of each queue, in a line each.

    To who may see one tenant only, that tenant's, among its newest 1,000 dead letters.
    """
    if asker.tenant is not None:
        return {"queues": get_own_failures(asker.tenant, limit, connection=reader)}
    return {"queues": get_failed_jobs(limit, connection=reader)}
