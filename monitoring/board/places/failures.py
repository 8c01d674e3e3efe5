"""Failures: the groups, worst first, and beside them what one of them is about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from monitoring.api.parts import Looker, Reader
from monitoring.board.failing import outlook_of, severity_of, stack_of, title_of
from monitoring.board.page import page
from monitoring.board.standing import Standing
from monitoring.failures.groups import JsonDict, Stored, read_groups, shown
from monitoring.failures.letters import Letters, newest_letters, what_they_share, whole_letters
from monitoring.failures.trends import read_trends
from workers.connection import storage_errors
from workers.dead_letters import count as count_all

router = APIRouter(tags=["browser"])

Tab = Literal["open", "muted", "fixed"]
_Name = Annotated[str | None, Query(max_length=200)]

TABS: Mapping[Tab, str] = {"open": "Open", "muted": "Muted", "fixed": "Fixed"}

_ROWS = 25
_MOST = 200  # groups that are put in order: those whose last failure is the newest


@dataclass(frozen=True)
class Row:
    """A group at a glance.

    Args:
        group: As the API tells it.
        title: What went wrong, in a line.
        severity: By how many failed in the last hour.
        trend: Failures of the last 24 hours, hour by hour.
        dead: How many dead letters it has.
    """

    group: JsonDict
    title: str
    severity: str
    trend: Sequence[int]
    dead: int

    @property
    def last_hour(self) -> int:
        """How many failed in this hour and the one before it."""
        return sum(self.trend[-2:])

    @property
    def rank(self) -> tuple[int, int, str]:
        """The worst first."""
        return -self.last_hour, -self.dead, self.group["lastSeen"]


@dataclass(frozen=True)
class Asked:
    """What of the place is wanted: all that is in its address.

    Args:
        tab: Which groups.
        queue: Only those of this queue.
        kind: Only those of this message type.
        group: The chosen one; empty means the worst.
        start: How many rows are before the page.
    """

    tab: Tab
    queue: str
    kind: str
    group: str
    start: int

    def url(self, **changes: Any) -> str:
        """The address of the same with something else in it."""
        fields = {
            "state": "" if self.tab == "open" else self.tab,
            "queue": self.queue,
            "type": self.kind,
            "group": self.group,
            "start": self.start or "",
            **changes,
        }
        return "?" + urlencode({name: value for name, value in fields.items() if value})


@router.get("/failures")
def failures(  # noqa: PLR0913, PLR0917 - what is in the address
    request: Request,
    asker: Looker,
    reader: Reader,
    state: Tab = "open",
    queue: _Name = None,
    kind: Annotated[str | None, Query(alias="type", max_length=200)] = None,
    group: _Name = None,
    start: Annotated[int, Query(ge=0, le=_MOST)] = 0,
) -> Response:
    """Show the groups of failures, worst first, and one of them beside."""
    asked = Asked(state, queue or "", kind or "", group or "", start)
    return page(
        request,
        asker,
        "failures.html",
        lambda found: read(found, asked, reader),
        place="failures",
    )


def read(standing: Standing, asked: Asked, connection: redis.Redis) -> Mapping[str, Any]:
    """What the page shows.

    Args:
        standing: How things stand.
        asked: What of it is wanted.
        connection: Where the rest is read.
    """
    with storage_errors():
        every = read_groups(connection=connection)
        letters = count_all(connection=connection)
    wanted = [each for each in every if _fits(each[1], asked)]
    newest = newest_letters(connection=connection)
    counts = Counter(each.fingerprint for each in newest.newest)
    trends = read_trends(wanted[:_MOST], now=standing.now, connection=connection)
    found = sorted(
        (row_of(name, stored, trends[name], counts[name]) for name, stored in wanted[:_MOST]),
        key=lambda each: each.rank[:2],
    )
    rows = found[asked.start : asked.start + _ROWS]
    chosen = next((each for each in found if each.group["fingerprint"] == asked.group), None)
    chosen = chosen or (rows[0] if rows else None)
    return {
        "asked": asked,
        "tabs": [(tab, name, _number(every, tab)) for tab, name in TABS.items()],
        "rows": rows,
        "total": len(wanted),
        "further": asked.start + _ROWS if len(found) > asked.start + _ROWS else None,
        "letters": letters,
        "is_cut": newest.is_cut,
        "queues": sorted(standing.queues),
        "kinds": sorted({stored["type"] for _, stored in every}),
        "sentence": _sentence(found, asked, letters),
        **_preview(chosen, newest, standing, connection),
    }


def row_of(name: str, stored: Stored, trend: Sequence[int], dead: int) -> Row:
    """A group as a row.

    Args:
        name: Its fingerprint.
        stored: Its fields.
        trend: Its failures by hour.
        dead: Its dead letters.
    """
    group = shown(name, stored)
    return Row(group, title_of(group), severity_of(sum(trend[-2:])), trend, dead)


def _fits(stored: Stored, asked: Asked) -> bool:
    group = shown("", stored)
    return (
        tab_of(group["state"]) == asked.tab
        and asked.queue in {"", *group["queues"]}
        and asked.kind in {"", group["messageType"]}
    )


def tab_of(state: str) -> Tab:
    """Under which tab a group of a state is."""
    return "muted" if state == "muted" else "fixed" if state == "fixed" else "open"


def _number(every: Sequence[tuple[str, Stored]], tab: Tab) -> int:
    return sum(tab_of(stored.get("state", "open")) == tab for _, stored in every)


def _sentence(rows: Sequence[Row], asked: Asked, letters: int) -> str:
    if not rows:
        return {
            "open": "Nothing fails that nobody knows of.",
            "muted": "No group is muted.",
            "fixed": "No group is marked as fixed.",
        }[asked.tab]
    last = sum(each.last_hour for each in rows)
    share = 100 * rows[0].last_hour / last if last else 0
    told = f"{last} failures in the last hour" if last else "No failure in the last hour"
    most = f", {share:.0f} % of them of one group" if last and len(rows) > 1 else ""
    return f"{told}{most}. {letters} dead letters wait for somebody."


def _preview(
    chosen: Row | None, newest: Letters, standing: Standing, connection: redis.Redis
) -> Mapping[str, Any]:
    if chosen is None:
        return {"chosen": None}
    group = chosen.group
    letters = newest.of(group["fingerprint"])
    whole = whole_letters(letters.sample(), connection=connection)
    return {
        "chosen": chosen,
        "dead": letters,
        "outlook": outlook_of(group, standing, dead=letters.count),
        "shares": what_they_share(whole, group["messageType"], connection=connection),
        "stack": stack_of(whole[0].traceback, most=12) if whole else (),
    }
