"""Routes: the dialogs that every place has, each fetched when it is opened."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from monitoring.api.parts import Actor, Asker, Reader
from monitoring.board.page import PLACES, fragment
from monitoring.jobs.pages import get_job_page
from workers.pauses import pauses

router = APIRouter(prefix="/board/dialogs", tags=["browser"])

Kind = Literal["queue", "type", "tenant"]
_Name = Annotated[str, Query(min_length=1, max_length=200)]

_SAMPLE = 3  # jobs of what an action would touch


@router.get("/keys")
def keys(request: Request, asker: Asker) -> HTMLResponse:
    """Show the keys."""
    return fragment(request, asker, "dialogs/keys.html", {})


@router.get("/more")
def more(request: Request, asker: Asker) -> HTMLResponse:
    """Show the places that have no room at the bottom of a phone."""
    return fragment(request, asker, "dialogs/more.html", {"further": PLACES[4:]})


@router.get("/account")
def account(request: Request, asker: Asker) -> HTMLResponse:
    """Show who is logged in, and let them out."""
    return fragment(request, asker, "dialogs/account.html", {"asker": asker})


@router.get("/pause")
def pause(
    request: Request, asker: Actor, reader: Reader, name: _Name, kind: Kind = "queue"
) -> HTMLResponse:
    """Ask whether to pause a queue, a type or a tenant, and why."""
    held = get_job_page(
        queue=name if kind == "queue" else None,
        message_type=name if kind == "type" else None,
        state="waiting",
        limit=_SAMPLE,
        connection=reader,
    )["jobs"]
    values = {"kind": kind, "name": name, "sample": [] if kind == "tenant" else held}
    return fragment(request, asker, "dialogs/pause.html", values)


@router.get("/resume")
def resume(
    request: Request, asker: Actor, reader: Reader, name: _Name, kind: Kind = "queue"
) -> HTMLResponse:
    """Ask why to end a pause, and show who made it and for what."""
    found = [each for each in pauses(connection=reader) if each.is_of(kind, name)]
    values = {"kind": kind, "name": name, "pause": found[0] if found else None}
    return fragment(request, asker, "dialogs/resume.html", values)
