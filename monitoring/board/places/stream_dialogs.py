"""Routes: the dialogs about a stream: give entries away, drop a consumer, trim what is done."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from monitoring.api.parts import Actor, Engine, Reader
from monitoring.board.page import fragment
from monitoring.streams import SyncStreams
from monitoring.streams.peek import held_by, peek
from monitoring.streams.reading import answered
from monitoring.streams.trimmable import trimmable
from workers.routing import queue_of
from workers.streams.trimming import KEPT_DONE

router = APIRouter(prefix="/board/dialogs", tags=["browser"])

_SAMPLE = 3
_LOOKED_AT = 50  # of the oldest entries, for some that are done
_Name = Annotated[str, Query(min_length=1, max_length=500)]


@router.get("/claim")
def claim(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request, asker: Actor, reader: Reader, stream: _Name, group: _Name, consumer: _Name
) -> HTMLResponse:
    """Ask whether to give away what a consumer has in hand."""
    return _of_consumer("dialogs/claim.html", request, asker, reader, (stream, group, consumer))


@router.get("/drop")
def drop(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request, asker: Actor, reader: Reader, stream: _Name, group: _Name, consumer: _Name
) -> HTMLResponse:
    """Ask whether to remove a consumer that is dead."""
    return _of_consumer("dialogs/drop.html", request, asker, reader, (stream, group, consumer))


@router.get("/trim")
def trim(
    request: Request, asker: Actor, reader: Reader, engine: Engine, stream: _Name
) -> HTMLResponse:
    """Ask whether to remove what is done, and show what goes and what stays."""
    info = SyncStreams(connection=reader, settings=engine).get_stream_info(stream)
    oldest, _ = answered(peek(queue_of(stream), _LOOKED_AT, engine, newest=False), reader)
    values = {
        "found": trimmable(info),
        "kept": KEPT_DONE,
        "sample": [each for each in oldest if each.state == "done"][:_SAMPLE],
    }
    return fragment(request, asker, "dialogs/trim.html", values)


def _of_consumer(
    template: str, request: Request, asker: Actor, reader: Reader, who: tuple[str, str, str]
) -> HTMLResponse:
    stream, group, consumer = who
    number, sample = answered(held_by(stream, group, consumer, _SAMPLE), reader)
    values = {
        "stream": stream,
        "group": group,
        "consumer": consumer,
        "number": number,
        "sample": sample,
    }
    return fragment(request, asker, template, values)
