"""Routes: the queues, and what one may do to them."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.parts import Actor, Engine, JsonDict, Looker, Reader, Reason, Writer, by
from monitoring.queues.known_queues import check_queue
from monitoring.queues.stats import MOST_JOBS, get_queue_stats
from monitoring.web.auth import require
from monitoring.web.identity import Identity, Role
from workers import clearing, pauses

router = APIRouter(tags=["queues"])


@router.get("/api/queue-stats")
def queue_stats(
    _: Looker,
    reader: Reader,
    include_jobs: Annotated[bool, Query(alias="includeJobs")] = False,  # noqa: FBT002
    limit: Annotated[int, Query(ge=1, le=MOST_JOBS)] = 10,
) -> JsonDict:
    """Count the jobs of each queue and of all; list the newest, if asked."""
    return get_queue_stats(include_jobs, limit, connection=reader)


@router.patch("/admin/jobs/queue/{queue}/pause")
def pause_queue(queue: str, asker: Actor, writer: Writer, reason: Reason = "") -> JsonDict:
    """Let no new job of a queue start; running jobs end."""
    check_queue(queue, connection=writer)
    changed = pauses.pause("queue", queue, by=by(asker, reason), connection=writer)
    return {"success": True, "queueName": queue, "paused": True, "changed": changed}


@router.patch("/admin/jobs/queue/{queue}/resume")
def resume_queue(queue: str, asker: Actor, writer: Writer, reason: Reason = "") -> JsonDict:
    """Let the jobs of a paused queue start again."""
    check_queue(queue, connection=writer)
    released = pauses.resume("queue", queue, by=by(asker, reason), connection=writer)
    return {"success": True, "queueName": queue, "paused": False, "changed": released is not None}


@router.delete("/admin/jobs/queue/{queue}/clear")
def clear_queue(  # noqa: PLR0913, PLR0917 - what a route is given
    queue: str,
    asker: Actor,
    writer: Writer,
    engine: Engine,
    kind: Annotated[clearing.What, Query(alias="type")] = "all",
    reason: Reason = "",
) -> JsonDict:
    """Remove the completed or failed jobs of a queue; running and waiting ones stay.

    `all` is both. `waiting` removes those that never ran instead, and needs SUPER_ADMIN.
    """
    check_queue(queue, connection=writer)
    if kind == "waiting":
        return _clear_waiting(queue, asker, writer, engine, reason)
    found = clearing.clear(queue, kind, by=by(asker, reason), settings=engine, connection=writer)
    return {"success": True, "removed": {"completed": found.completed, "failed": found.failed}}


def _clear_waiting(
    queue: str, asker: Identity, writer: Writer, engine: Engine, reason: str
) -> JsonDict:
    require(asker, Role.SUPER_ADMIN)
    found = clearing.clear(
        queue, "waiting", by=by(asker, reason), settings=engine, connection=writer
    )
    return {"success": True, "removed": {"waiting": found.waiting}}
