"""Routes: the dialogs of Settings."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from monitoring.api.parts import Actor, Reader, by
from monitoring.board.page import fragment
from monitoring.queues.known_queues import check_queue
from workers.cleanup import CleanupPolicy, State, clean

router = APIRouter(prefix="/board/dialogs", tags=["browser"])

_SAMPLE = 3
_MOST_DAYS = 3_650


@router.get("/cleanup")
def cleanup(  # noqa: PLR0913, PLR0917 - what a policy is made of
    request: Request,
    asker: Actor,
    reader: Reader,
    queue: Annotated[str, Query(min_length=1, max_length=200)] = "default",
    state: State = "completed",
    days: Annotated[float, Query(ge=0, le=_MOST_DAYS)] = 7.0,
    keep: Annotated[int, Query(ge=0, le=1_000_000)] = 100,
) -> HTMLResponse:
    """Ask whether to remove ended jobs, and show which would go."""
    check_queue(queue, connection=reader)
    policy = CleanupPolicy(queue, state, timedelta(days=days), keep)
    found = clean(policy, dry_run=True, by=by(asker, "look"), connection=reader)
    values = {
        "policy": policy,
        "days": days,
        "number": found.count,
        "sample": found.ids[:_SAMPLE],
    }
    return fragment(request, asker, "dialogs/cleanup.html", values)


@router.get("/pause-tenant")
def pause_tenant(request: Request, asker: Actor) -> HTMLResponse:
    """Ask which tenant to pause, and why."""
    return fragment(request, asker, "dialogs/pause_tenant.html", {})
