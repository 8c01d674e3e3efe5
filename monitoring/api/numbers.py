"""Routes: all queues in numbers over time, and what is stuck. `live` has those of now."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.parts import Asker, Engine, JsonDict, Looker, Reader
from monitoring.jobs.stuck import get_stuck_jobs
from monitoring.numbers.queue_figures import get_queue_figures
from monitoring.numbers.series import STEPS, get_series
from monitoring.numbers.trends import get_trends
from monitoring.numbers.type_figures import get_type_figures
from monitoring.queues.known_queues import check_own_queue

router = APIRouter(tags=["numbers"])


@router.get("/admin/jobs/trends")
def trends(
    _: Looker, reader: Reader, period: Annotated[str, Query(examples=["24h", "7d", "30d"])] = "24h"
) -> list[JsonDict]:
    """Tell what ended in each queue in the last 24 hours, 7 days or 30 days."""
    return list(get_trends(period, connection=reader))


@router.get("/api/series")
def series(
    _: Looker,
    reader: Reader,
    step: Annotated[str, Query(examples=list(STEPS))] = "hour",
    points: Annotated[int | None, Query(description="At most what is kept.")] = None,
    queue: str | None = None,
    message_type: Annotated[str | None, Query(alias="type")] = None,
) -> JsonDict:
    """Tell what ended minute by minute, hour by hour or day by day, and what was deployed then."""
    return get_series(step, points, queue=queue, message_type=message_type, connection=reader)


@router.get("/admin/jobs/alerts/stuck")
def stuck(_: Looker, reader: Reader) -> list[JsonDict]:
    """List what runs for too long, the longest first."""
    return get_stuck_jobs(connection=reader)


@router.get("/api/queues")
def queues(_: Looker, reader: Reader) -> JsonDict:
    """Tell everything that numbers can say of the queues."""
    return {"queues": list(get_queue_figures(connection=reader))}


@router.get("/api/queues/{queue}")
def one_queue(queue: str, asker: Asker, reader: Reader, engine: Engine) -> JsonDict:
    """Tell everything that numbers can say of one queue."""
    check_own_queue(queue, asker.tenant, settings=engine, connection=reader)
    (found,) = get_queue_figures([queue], connection=reader)
    return found


@router.get("/api/types")
def types(_: Looker, reader: Reader) -> JsonDict:
    """Tell everything that numbers can say of the message types."""
    return {"types": list(get_type_figures(connection=reader))}
