"""Routes: the queues, and what one may do to them."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.parts import Engine, JsonDict, Looker, OwnActor, Reader, Writer, by
from monitoring.api.reasons import Reason, require_reason
from monitoring.queues.known_queues import check_own_queue
from monitoring.queues.stats import MOST_JOBS, get_queue_stats
from monitoring.web.auth import require
from monitoring.web.identity import Role
from workers import clearing, pauses

router = APIRouter(tags=["queues"])

_DryRun = Annotated[
    bool | None,
    Query(alias="dryRun", description="Only show what would go; `waiting` is true unless told."),
]


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
def pause_queue(
    queue: str, asker: OwnActor, writer: Writer, engine: Engine, reason: Reason
) -> JsonDict:
    """Let no new job of a queue start; running jobs end."""
    check_own_queue(queue, asker.tenant, settings=engine, connection=writer)
    changed = pauses.pause("queue", queue, by=by(asker, reason), connection=writer)
    return {"success": True, "queueName": queue, "paused": True, "changed": changed}


@router.patch("/admin/jobs/queue/{queue}/resume")
def resume_queue(
    queue: str, asker: OwnActor, writer: Writer, engine: Engine, reason: Reason
) -> JsonDict:
    """Let the jobs of a paused queue start again."""
    check_own_queue(queue, asker.tenant, settings=engine, connection=writer)
    released = pauses.resume("queue", queue, by=by(asker, reason), connection=writer)
    return {"success": True, "queueName": queue, "paused": False, "changed": released is not None}


@router.delete("/admin/jobs/queue/{queue}/clear")
def clear_queue(  # noqa: PLR0913, PLR0917 - what a route is given
    queue: str,
    asker: OwnActor,
    writer: Writer,
    engine: Engine,
    reason: Reason,
    kind: Annotated[clearing.What, Query(alias="type")] = "all",
    dry_run: _DryRun = None,
) -> JsonDict:
    """Remove the completed or failed jobs of a queue; running and waiting ones stay.

    `all` is both. `waiting` removes those that never ran instead: it needs SUPER_ADMIN and a
    reason, and only shows them until `dryRun` is false.
    """
    check_own_queue(queue, asker.tenant, settings=engine, connection=writer)
    if kind == "waiting":
        require(asker, Role.SUPER_ADMIN)
        require_reason(reason)
    if kind == "waiting" if dry_run is None else dry_run:
        shown = clearing.dry_clear(queue, kind, settings=engine, connection=writer)
        found = {"found": dict(shown.counts), "sample": list(shown.sample)}
        return {"success": True, "dryRun": True, **found}
    removed = clearing.clear(queue, kind, by=by(asker, reason), settings=engine, connection=writer)
    counts = asdict(removed)
    told = ("waiting",) if kind == "waiting" else ("completed", "failed")
    return {"success": True, "removed": {name: counts[name] for name in told}}
