"""Queues: both lanes in one table, those in trouble first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from monitoring.api.parts import Asker, Reader
from monitoring.board.ended import MINUTES, read_ended, read_ended_of_streams
from monitoring.board.lanes import Lane, Row, by_subject, ordered, queue_row, stream_row, told
from monitoring.board.needs import NOBODY
from monitoring.board.page import Board, page
from monitoring.board.standing import Standing
from monitoring.numbers.buckets import Bucket, read_sums
from monitoring.numbers.spans import pieces_of
from monitoring.streams.overview import StreamRow, rows_of, with_oldest
from monitoring.streams.reading import answered
from workers.connection import storage_errors
from workers.pauses import Pause, pause_field
from workers.streams.leases import pauses_of

router = APIRouter(tags=["browser"])

ROWS = 12
"""Rows of one page: as many as a place may weigh."""
_HOURS = 24


@dataclass(frozen=True)
class Asked:
    """What the address asks for.

    Args:
        text: Only names that have it.
        lane: Only of this lane; None means both.
        troubled: Only those in trouble.
        page: From 1.
    """

    text: str = ""
    lane: Lane | None = None
    troubled: bool = False
    page: int = 1

    def link(self, **other: Any) -> str:
        """The query of the same list, but for what is given; it begins with its first page."""
        asked = {"q": self.text, "lane": self.lane, "state": "trouble" if self.troubled else ""}
        return "?" + urlencode({name: at for name, at in {**asked, **other}.items() if at})


@router.get("/queues")
def queues(  # noqa: PLR0913, PLR0917 - what the address has
    request: Request,
    asker: Asker,
    reader: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    lane: Literal["rq", "stream", ""] = "",
    state: Literal["trouble", ""] = "",
    at: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """Show queues and streams, those in trouble first; to who may see one tenant, its streams."""
    asked = Asked(q.strip(), lane or None, state == "trouble", at)
    lanes = Lanes(request, asker.tenant, reader)
    return page(
        request, asker, "queues.html", lambda found: read(found, asked, lanes), place="queues"
    )


@dataclass(frozen=True)
class Lanes:
    """Where the rows are read.

    Args:
        request: To the application.
        tenant: Only the streams of this one, and no queues.
        connection: Where.
    """

    request: Request
    tenant: str | None
    connection: Any

    @property
    def board(self) -> Board:
        """What all pages share."""
        board: Board = self.request.app.state.board
        return board


def read(standing: Standing, asked: Asked, lanes: Lanes) -> Mapping[str, Any]:
    """What the page shows.

    Args:
        standing: How things stand.
        asked: What the address asks for.
        lanes: Where the rest is read.
    """
    with storage_errors():
        buckets = last_day(standing.now, lanes.connection)
        found = _found(standing, lanes)
        # Their order needs no more than the last minutes; the day of a thousand takes long.
        streams = _streams(found, standing, buckets[-MINUTES:], lanes)
    every = [*_queues(standing, buckets, lanes), *streams]
    named = ordered([row for row in every if asked.text.lower() in row.name.lower()])
    here = [row for row in named if asked.lane in {None, row.lane}]
    rows = [row for row in here if not (asked.troubled and row.is_calm)]
    pages = max(1, -(-len(rows) // ROWS))
    begin = (min(asked.page, pages) - 1) * ROWS
    with storage_errors():
        shown = _whole(rows[begin : begin + ROWS], found, standing, buckets, lanes)
    return {
        "asked": asked,
        "rows": shown,
        "begin": begin,
        "rows_each": ROWS,
        "total": len(rows),
        "pages": pages,
        "at": min(asked.page, pages),
        "said": _said(named if asked.text else ordered(every), standing),
        "lanes": {
            "": len(named),
            **{each: sum(row.lane == each for row in named) for each in ("rq", "stream")},
        },
        "troubled": sum(not row.is_calm for row in here),
        "here": len(here),
        "ever": bool(every),
    }


def _said(rows: Sequence[Row], standing: Standing) -> str:
    if rows and not standing.workers and all(row.is_calm for row in rows):
        return f"{NOBODY}."
    return told(rows)


def last_day(now: datetime, connection: Any) -> Sequence[Bucket]:
    """What ended in the last 24 hours, and in this minute and the one before, in a round trip.

    Args:
        now: The server's time.
        connection: Where.
    """
    end = now + timedelta(milliseconds=1)
    hours = pieces_of("h", now - timedelta(hours=_HOURS - 1), end)
    minutes = pieces_of("m", now - timedelta(minutes=1), end)
    return read_sums([*hours, *minutes], connection=connection)


def pauses_on(found: StreamRow, standing: Standing) -> Sequence[Pause]:
    """What keeps a stream from starting anything.

    Args:
        found: The stream.
        standing: How things stand.
    """
    names = set(pauses_of(found.name))
    every = (each.pause for each in standing.look.snapshot.paused)
    return [pause for pause in every if pause_field(pause.kind, pause.name) in names]


def _queues(standing: Standing, buckets: Sequence[Bucket], lanes: Lanes) -> Sequence[Row]:
    if lanes.tenant is not None:
        return ()
    needs, ended = by_subject(standing.needs), read_ended(buckets)
    queues = standing.look.snapshot.queues
    return [
        queue_row(facts, queues[name], ended(name), needs.get(name, ()))
        for name, facts in standing.queues.items()
    ]


def _found(standing: Standing, lanes: Lanes) -> Sequence[StreamRow]:
    settings = standing.look.settings
    plan = rows_of(
        template=settings.stream_template, limit=settings.stream_limit, tenant=lanes.tenant
    )
    return lanes.board.streams.get(lanes.tenant, lambda: answered(plan, lanes.connection))


def _streams(
    found: Sequence[StreamRow], standing: Standing, buckets: Sequence[Bucket], lanes: Lanes
) -> Sequence[Row]:
    needs = {} if lanes.tenant else by_subject(standing.needs)
    ended = read_ended_of_streams(
        found, buckets, now=standing.now, depths=lanes.board.depths, connection=lanes.connection
    )
    return [
        stream_row(
            each,
            ended[each.name.base],
            pauses_on(each, standing),
            needs.get(each.name.base, ()),
        )
        for each in found
    ]


def _whole(
    rows: Sequence[Row],
    found: Sequence[StreamRow],
    standing: Standing,
    buckets: Sequence[Bucket],
    lanes: Lanes,
) -> Sequence[Row]:
    """The rows of a page, those of streams with their day and the age of their oldest entry."""
    names = {row.name for row in rows if row.lane == "stream"}
    plan = with_oldest([each for each in found if each.name.base in names])
    streams = _streams(answered(plan, lanes.connection), standing, buckets, lanes)
    whole = {row.name: row for row in streams}
    return [whole[row.name] if row.lane == "stream" else row for row in rows]
