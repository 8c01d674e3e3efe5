"""Routes: the dialog that asks before a worker is stopped."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from monitoring.api.parts import Actor
from monitoring.board.page import fragment

router = APIRouter(prefix="/board/dialogs", tags=["browser"])


@router.get("/stop-worker")
def stop_worker(
    request: Request,
    asker: Actor,
    name: Annotated[str, Query(min_length=1, max_length=500)],
) -> HTMLResponse:
    """Ask whether to stop a worker, and why."""
    return fragment(request, asker, "dialogs/stop_worker.html", {"name": name})
