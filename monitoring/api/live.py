"""Routes: what changes, as streams of events, and the same for those who poll."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from monitoring.api.parts import Asker, Engine, JsonDict, Looker, Reader
from monitoring.jobs.known import check_job
from monitoring.jobs.tenants import check_job_of
from monitoring.live.live import Live
from monitoring.live.looks import QUEUES, Subject
from monitoring.queues.known_queues import check_own_queue
from monitoring.web.etags import unless_known
from monitoring.web.event_stream import EventStream

router = APIRouter(tags=["live"])

LastEventId = Annotated[str, Header(alias="Last-Event-ID", max_length=100)]


def _live(request: Request) -> Live:
    live: Live = request.app.state.live
    return live


Streams = Annotated[Live, Depends(_live)]

_BEYOND = "stuck"  # what is told beyond the shape that requirement 001 gives to metrics

_NOT_MODIFIED: dict[int | str, JsonDict] = {
    304: {"description": "Nothing but the time has changed; see If-None-Match."}
}
_FULL: dict[int | str, JsonDict] = {
    503: {"description": "As many streams are open as may be; poll instead."}
}


@router.get("/admin/jobs/metrics", response_model=JsonDict, responses=_NOT_MODIFIED)
def metrics(request: Request, _: Looker, live: Streams) -> Response:
    """Count the jobs of each queue and of all, and tell how fast and how well they end."""
    told = {name: part for name, part in live.polled(QUEUES).items() if name != _BEYOND}
    return unless_known(request, told)


@router.get("/admin/jobs/live", response_class=EventStream, status_code=200, responses=_FULL)
def live_metrics(
    request: Request, asker: Looker, live: Streams, last_id: LastEventId = ""
) -> Response:
    """Stream what `/admin/jobs/metrics` tells, and how many jobs are stuck, every 2 s.

    Who asks for `application/json` is told the same once, to ask again.
    """
    if request.headers.get("accept", "").startswith("application/json"):
        return unless_known(request, live.polled(QUEUES))
    return EventStream(live, QUEUES, last_id=last_id, asker=asker)


@router.get("/admin/jobs/queue/{queue}", response_model=JsonDict, responses=_NOT_MODIFIED)
def show_queue(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request, queue: str, asker: Asker, reader: Reader, engine: Engine, live: Streams
) -> Response:
    """Count the jobs of a queue, and show the first 50 of those that run."""
    check_own_queue(queue, asker.tenant, settings=engine, connection=reader)
    return unless_known(request, live.polled(Subject("queue", queue)))


@router.get(
    "/admin/jobs/queue/{queue}/live", response_class=EventStream, status_code=200, responses=_FULL
)
def live_queue(  # noqa: PLR0913, PLR0917 - what a route is given
    queue: str,
    asker: Asker,
    reader: Reader,
    engine: Engine,
    live: Streams,
    last_id: LastEventId = "",
) -> EventStream:
    """Stream what `/admin/jobs/queue/{queue}` tells, every 2 s."""
    check_own_queue(queue, asker.tenant, settings=engine, connection=reader)
    return EventStream(live, Subject("queue", queue), last_id=last_id, asker=asker)


@router.get(
    "/admin/jobs/{job_id}/logs/live", response_class=EventStream, status_code=200, responses=_FULL
)
def live_log(
    job_id: str, asker: Asker, reader: Reader, live: Streams, last_id: LastEventId = ""
) -> EventStream:
    """Stream what a job's handler logs; the id of an event is the number of its line."""
    check_job_of(asker.tenant, job_id, connection=reader)
    check_job(job_id, connection=reader)
    return EventStream(live, Subject("log", job_id), last_id=last_id, asker=asker)
