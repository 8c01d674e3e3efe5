"""Routes: what the list of jobs asks before it acts on many, and how a view is called."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from redis import Redis

from monitoring.api.many_jobs import tried
from monitoring.api.parts import Asker, OwnActor, Reader, Writer
from monitoring.board.asking import COLUMNS, asked_for
from monitoring.board.job_rows import LOOKS, JobRow, read_rows
from monitoring.board.page import fragment
from monitoring.board.suggestions import suggestions
from monitoring.search.rows import Hit, rows_of
from monitoring.search.trips import Trips
from workers.connection import storage_errors
from workers.many_jobs import MOST, Action

router = APIRouter(prefix="/board", tags=["browser"])

_SAMPLE = 3


@router.get("/dialogs/many")
def many(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request,
    asker: OwnActor,
    writer: Writer,
    action: Action,
    q: Annotated[str | None, Query(max_length=2_000)] = None,
    job_ids: Annotated[list[str], Query(alias="id", max_length=200)] = [],  # noqa: B006
) -> HTMLResponse:
    """Ask whether to retry or cancel many jobs; the action does it to just those shown."""
    found, is_all = tried(action, q, job_ids, asker, writer)
    values: dict[str, Any] = {
        "action": action,
        "query": q,
        "job_ids": job_ids,
        "count": len(found.job_ids),
        "refused": found.refused,
        "is_all": is_all,
        "most": MOST,
        "looked": len(found.job_ids) + len(found.refused),
        "sample": _sample(found.job_ids, writer),
        "looks": LOOKS,
    }
    return fragment(request, asker, "dialogs/many.html", values)


@router.get("/dialogs/view")
def view(request: Request, asker: Asker) -> HTMLResponse:
    """Ask how a view is to be called."""
    return fragment(request, asker, "dialogs/view.html", {})


@router.get("/dialogs/columns")
def columns(
    request: Request,
    asker: Asker,
    q: Annotated[list[str], Query(max_length=30)] = [],  # noqa: B006
    cols: Annotated[list[str] | None, Query(max_length=20)] = None,
    over: str = "",
) -> HTMLResponse:
    """Ask which columns the list is to have."""
    asked = asked_for(q, columns=cols, over=over)
    return fragment(request, asker, "dialogs/columns.html", {"asked": asked, "columns": COLUMNS})


@router.get("/suggest")
def suggest(
    request: Request,
    asker: Asker,
    reader: Reader,
    q: Annotated[list[str], Query(max_length=30)] = [],  # noqa: B006
    typed: Annotated[str, Query(max_length=500)] = "",
) -> HTMLResponse:
    """Suggest how a search may go on; of who may see one tenant only, no values of messages."""
    found = suggestions(" ".join(q), typed, tenant=asker.tenant, connection=reader)
    return fragment(request, asker, "suggest.html", {"found": found})


def _sample(job_ids: Sequence[str], connection: Redis) -> Sequence[JobRow]:
    with storage_errors():
        rows = rows_of([Hit(job_id) for job_id in job_ids[:_SAMPLE]], Trips(connection))
    return read_rows(rows, connection=connection)
