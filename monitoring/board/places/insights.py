"""Insights: what a day, a week or a month says, in one sentence, three charts and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from messages import message_types
from monitoring.api.parts import Looker, OfWhat, Reader
from monitoring.board.drawing import outcomes_chart, within
from monitoring.board.history_price import Price, price_of
from monitoring.board.latencies import Line, latency_chart
from monitoring.board.page import Board, page
from monitoring.board.reading import reading, rows_of
from monitoring.board.standing import Standing
from monitoring.board.wording import clock, count, duration
from monitoring.history import get_history_cost
from monitoring.numbers.compared import Compared, read_compared
from monitoring.numbers.periods import PERIODS, period_of
from monitoring.numbers.series import get_series
from workers.settings import Settings

router = APIRouter(tags=["browser"])

JsonDict = dict[str, Any]

_LENGTHS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
_NAMES = {"24h": "24 h", "7d": "7 d", "30d": "30 d"}
_TYPES = 10  # rows: the busiest; more would weigh too much
_MARKS = 6  # deploys that are drawn; more could not be read
_LINES = {
    "run": {
        "p99": Line("p99, dashed", "d", "runP99", dash=True),
        "p95": Line("p95", "d", "runP95"),
        "p50": Line("p50", "r", "runP50"),
    },
    "wait": {
        "p99": Line("p99 wait, dashed", "y", "waitP99", dash=True),
        "p95": Line("p95 wait", "y", "waitP95"),
        "p50": Line("p50 wait", "w", "waitP50"),
    },
}
PERCENTILES = ("p50", "p95", "p99")
_AT_FIRST = frozenset({"p50", "p95"})


@dataclass(frozen=True)
class Asked:
    """What the page is about.

    Args:
        period: `24h`, `7d` or `30d`.
        queue: Only this one; None means all.
        kind: Only this message type; None means all.
        lines: Which percentiles the charts of times show, one or more of `PERCENTILES`.
    """

    period: str
    queue: str | None = None
    kind: str | None = None
    lines: frozenset[str] = _AT_FIRST

    def query(self, **other: Any) -> str:
        """The query of a link to the same page with something else.

        Args:
            other: `period` or `lines`.
        """
        lines = other.get("lines", self.lines)
        chosen = {"period": self.period, "queue": self.queue, "type": self.kind} | other
        chosen["lines"] = "" if lines == _AT_FIRST else ",".join(sorted(lines))
        return urlencode({name: value for name, value in chosen.items() if value})


@router.get("/insights")
def insights(  # noqa: PLR0913, PLR0917 - what is in the address
    request: Request,
    asker: Looker,
    reader: Reader,
    of: OfWhat,
    period: str = "24h",
    lines: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show what ended in a period, how long it took, and what got worse."""
    shown_lines = frozenset(lines.split(",")) & frozenset(PERCENTILES) or _AT_FIRST
    asked = Asked(period, of.queue or None, of.message_type or None, shown_lines)
    board: Board = request.app.state.board
    engine: Settings = request.app.state.engine

    def values(found: Standing) -> Mapping[str, Any]:
        period_of(period)
        shown = board.slowly(("insights", asked), lambda: read(asked, found.now, reader))
        price = board.slowly("price", lambda: read_price(engine, reader))
        return {**shown, "price": price, **_choices(asked, found, shown["types"])}

    return page(request, asker, "insights.html", values, place="insights")


def read_price(engine: Settings, connection: redis.Redis) -> Price:
    """What history costs.

    Args:
        engine: How much is kept.
        connection: Where.
    """
    return price_of(get_history_cost(connection=connection, settings=engine))


def read(asked: Asked, now: datetime, connection: redis.Redis) -> Mapping[str, Any]:
    """What the page shows of a period, in 5 round trips.

    Args:
        asked: Which, of what.
        now: The server's time.
        connection: Where.
    """
    of: Any = {"queue": asked.queue, "message_type": asked.kind, "connection": connection}
    compared = read_compared(asked.period, now=now, **of)
    series = get_series(*_step(asked.period, compared, now), now=now, **of)
    points, marks = series["points"], _marks(compared, series["points"])
    length = _LENGTHS[asked.period]
    rows = rows_of(compared)
    return {
        "reading": reading(compared, length=length),
        "since": compared.since,
        "rows": rows[:_TYPES],
        "left_out": len(rows[_TYPES:]),
        "types": [row.name for row in rows],
        "finished": _finished(points, marks, length, now),
        "run": _times("Run time", ("run", asked.lines), points, marks, now),
        "wait": _times("Waiting time", ("wait", asked.lines), points, marks, now),
        "percentiles_since": series["percentilesSince"] if not compared.has_times else None,
        "by": "day" if asked.period == "30d" else "hour",
    }


def _step(period: str, compared: Compared, now: datetime) -> tuple[str, int]:
    """The points of the charts, which begin where the table does."""
    if period == "30d":
        return "day", len(compared.buckets)
    return "hour", int((now - compared.since).total_seconds() // 3600) + 1


def _marks(compared: Compared, points: Sequence[JsonDict]) -> Sequence[JsonDict]:
    placed = [(within(each.at, points), each.version[:8]) for each in compared.deploys]
    return [{"i": at, "t": version} for at, version in placed[-_MARKS:] if at is not None]


def _finished(
    points: Sequence[JsonDict], marks: Sequence[JsonDict], length: str, now: datetime
) -> JsonDict:
    done, failed = (sum(each[name] for each in points) for name in ("successful", "failed"))
    label = f"In {length}, {count(done)} jobs succeeded and {count(failed)} failed for good."
    return {**outcomes_chart(points, label=label, now=now, marks=marks, height=210), "left": 52}


def _times(
    name: str,
    what: tuple[str, frozenset[str]],
    points: Sequence[JsonDict],
    marks: Sequence[JsonDict],
    now: datetime,
) -> JsonDict:
    of, chosen = what
    lines = [line for percentile, line in _LINES[of].items() if percentile in chosen]
    tops = [each[f"{of}P95"] for each in points if each[f"{of}P95"] is not None]
    label = f"{name} on a log axis: nothing ended."
    if tops:
        worst = max(points, key=lambda each: each[f"{of}P95"] or 0)
        at = clock(worst["at"], now=now)
        label = (
            f"{name} on a log axis: p95 now {duration(tops[-1])}, "
            f"highest {duration(max(tops))} at {at} UTC."
        )
    return latency_chart(points, lines, label=label, now=now, marks=marks)


def _choices(asked: Asked, found: Standing, ended: Sequence[str]) -> Mapping[str, Any]:
    types = {*message_types(), *ended, *filter(None, [asked.kind])}
    return {
        "asked": asked,
        "periods": [(each, _NAMES[each], asked.query(period=each)) for each in PERIODS],
        "percentiles": [(each, asked.query(lines=asked.lines ^ {each})) for each in PERCENTILES],
        "length": _LENGTHS[asked.period],
        "lines": "" if asked.lines == _AT_FIRST else ",".join(sorted(asked.lines)),
        "queues": sorted({*found.queues, *filter(None, [asked.queue])}),
        "kinds": sorted(types),
    }
