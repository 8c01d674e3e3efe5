"""Routes: single jobs, and what one may do to them."""

from contextlib import suppress
from typing import Annotated, TypedDict

from fastapi import APIRouter, Body, Query

from monitoring.api.bodies import Retry
from monitoring.api.parts import Asker, Engine, JsonDict, OfWhat, OwnActor, Reader, Writer, by
from monitoring.api.reasons import QueryReason, Reason, one_reason
from monitoring.jobs import get_job_log, get_job_status
from monitoring.jobs.detail import get_job_detail
from monitoring.jobs.own import get_own_jobs
from monitoring.jobs.pages import LONGEST_CURSOR, MOST_JOBS, get_job_page
from monitoring.jobs.tenants import check_job_of
from monitoring.queues.known_queues import check_queue_of
from monitoring.web.auth import check_sees_all
from workers import operations
from workers.errors import JobNotFound
from workers.successors import retry_job

router = APIRouter(tags=["jobs"])

_Limit = Annotated[int, Query(ge=1, le=MOST_JOBS)]
_Cursor = Annotated[
    str | None,
    Query(max_length=LONGEST_CURSOR, description="That of the page before; none begins."),
]


class Which(TypedDict):
    """Which jobs a list has."""

    queue: str | None
    state: str | None
    message_type: str | None


@router.get("/api/jobs")
def list_jobs(  # noqa: PLR0913, PLR0917 - what a route is given
    asker: Asker,
    reader: Reader,
    among: OfWhat,
    state: str | None = None,
    limit: _Limit = 20,
    cursor: _Cursor = None,
) -> JsonDict:
    """List the jobs of a queue, a state or a type: the newest, and page by page all others.

    To who may see one tenant only, those of that tenant, the last sent first.
    """
    which: Which = {
        "queue": among.queue,
        "state": state,
        "message_type": among.message_type,
    }
    if asker.tenant is not None:
        return get_own_jobs(asker.tenant, **which, limit=limit, cursor=cursor, connection=reader)
    return get_job_page(**which, limit=limit, cursor=cursor, connection=reader)


@router.get("/api/jobs/{job_id}")
def show_job(job_id: str, asker: Asker, reader: Reader) -> JsonDict:
    """Show a job: what it holds, its secrets masked, and what became of it, step by step."""
    check_job_of(asker.tenant, job_id, connection=reader)
    return get_job_detail(job_id, connection=reader)


@router.get("/api/jobs/{job_id}/status")
def job_status(job_id: str, asker: Asker, reader: Reader) -> JsonDict:
    """Tell a job's status, times and errors."""
    check_job_of(asker.tenant, job_id, connection=reader)
    return get_job_status(job_id, connection=reader)


@router.get("/admin/jobs/{job_id}/logs")
def job_log(
    job_id: str,
    asker: Asker,
    reader: Reader,
    after: Annotated[int, Query(ge=0, description="Only lines with a larger number.")] = 0,
    last: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> JsonDict:
    """Show the newest lines that a job's handler logged."""
    check_job_of(asker.tenant, job_id, connection=reader)
    lines = get_job_log(job_id, last=last, connection=reader)
    return {"lines": [line for line in lines if line["number"] > after]}


@router.post("/admin/jobs/retry/{queue}/{job_id}")
def retry(  # noqa: PLR0913, PLR0917 - what a route is given
    queue: str,
    job_id: str,
    asker: OwnActor,
    writer: Writer,
    engine: Engine,
    body: Annotated[Retry, Body()] = Retry(),  # noqa: B008 - it is frozen
    reason: QueryReason = "",
) -> JsonDict:
    """Send the message of a failed job again, perhaps changed, as a new job."""
    why = one_reason(reason, body.reason)
    check_job_of(asker.tenant, job_id, connection=writer)
    check_queue_of(job_id, queue, connection=writer)
    if body.data_overrides is not None:
        check_sees_all(asker, "Data may decide whose a message is.")
    new_id = retry_job(
        job_id,
        by=by(asker, why),
        data=body.data_overrides,
        settings=engine,
        connection=writer,
        **body.options(),
    )
    if body.remove_original:
        with suppress(JobNotFound):  # there was a dead letter only, which is gone
            operations.delete(job_id, by=by(asker, f"replaced by {new_id}"), connection=writer)
    return {"success": True, "newJobId": new_id, "message": f"Job retried with ID {new_id}"}


@router.post("/admin/jobs/{queue}/{job_id}/promote")
def promote(queue: str, job_id: str, asker: OwnActor, writer: Writer, reason: Reason) -> JsonDict:
    """Let a job that is due later run now."""
    check_job_of(asker.tenant, job_id, connection=writer)
    check_queue_of(job_id, queue, connection=writer)
    operations.promote(job_id, by=by(asker, reason), connection=writer)
    return {"success": True, "jobId": job_id}


@router.post("/admin/jobs/{queue}/{job_id}/cancel")
def cancel(queue: str, job_id: str, asker: OwnActor, writer: Writer, reason: Reason) -> JsonDict:
    """Take a job out that has not begun."""
    check_job_of(asker.tenant, job_id, connection=writer)
    check_queue_of(job_id, queue, connection=writer)
    operations.cancel(job_id, by=by(asker, reason), connection=writer)
    return {"success": True, "jobId": job_id}


@router.post("/admin/jobs/{queue}/{job_id}/stop")
def stop(queue: str, job_id: str, asker: OwnActor, writer: Writer, reason: Reason) -> JsonDict:
    """Tell the worker that runs a job to stop it."""
    check_job_of(asker.tenant, job_id, connection=writer)
    check_queue_of(job_id, queue, connection=writer)
    worker = operations.stop(job_id, by=by(asker, reason), connection=writer)
    return {"success": True, "jobId": job_id, "worker": worker}


@router.delete("/admin/jobs/{queue}/{job_id}")
def delete(queue: str, job_id: str, asker: OwnActor, writer: Writer, reason: Reason) -> JsonDict:
    """Remove a job that no worker has, with its records; its dead letter stays."""
    check_job_of(asker.tenant, job_id, connection=writer)
    check_queue_of(job_id, queue, connection=writer)
    operations.delete(job_id, by=by(asker, reason), connection=writer)
    return {"success": True, "jobId": job_id}
