"""Routes: all queues in numbers, now and over time, and what is stuck."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.parts import JsonDict, Looker, Reader
from monitoring.metrics import get_metrics
from monitoring.stuck import get_stuck_jobs
from monitoring.trends import get_trends

router = APIRouter(prefix="/admin/jobs", tags=["numbers"])


@router.get("/metrics")
def metrics(_: Looker, reader: Reader) -> JsonDict:
    """Count the jobs of every queue, and tell how fast and how well they end."""
    return get_metrics(connection=reader)


@router.get("/trends")
def trends(
    _: Looker, reader: Reader, period: Annotated[str, Query(examples=["24h", "7d", "30d"])] = "24h"
) -> list[JsonDict]:
    """Tell what ended in each queue in the last 24 hours, 7 days or 30 days."""
    return list(get_trends(period, connection=reader))  # type: ignore[arg-type] # it checks it


@router.get("/alerts/stuck")
def stuck(_: Looker, reader: Reader) -> list[JsonDict]:
    """List what runs for too long, the longest first."""
    return get_stuck_jobs(connection=reader)
