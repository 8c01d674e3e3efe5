"""Routes: the dialog that asks before a queue is cleared."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from monitoring.api.parts import Actor, Engine, Reader
from monitoring.board.page import fragment
from monitoring.web.auth import require
from monitoring.web.identity import Role
from workers import clearing

router = APIRouter(prefix="/board/dialogs", tags=["browser"])

_SAMPLE = 3


@router.get("/clear")
def clear(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request,
    asker: Actor,
    reader: Reader,
    engine: Engine,
    queue: Annotated[str, Query(min_length=1, max_length=200)],
    kind: Annotated[clearing.What, Query(alias="type")] = "all",
) -> HTMLResponse:
    """Ask whether to clear a queue, and show what would go."""
    if kind == "waiting":
        require(asker, Role.SUPER_ADMIN)
    values = {"queue": queue, "kind": kind, "number": 0, "sample": (), "refused": ""}
    try:
        found = clearing.dry_clear(queue, kind, settings=engine, connection=reader)
    except clearing.ClearRefused as error:
        values["refused"] = f"{error.message} {error.remedy}"
    else:
        values["number"] = sum(
            count for name, count in found.counts.items() if kind in {"all", name}
        )
        values["sample"] = found.sample[:_SAMPLE]
    return fragment(request, asker, "dialogs/clear.html", values)
