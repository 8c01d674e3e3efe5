"""Jobs: all jobs in one list, in all states, with the states as the filter and a chart of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from monitoring.api.parts import Asker, Reader
from monitoring.board.asking import COLUMNS, Asked, asked_for
from monitoring.board.drawing import JsonDict, outcomes_chart, point_of, ticks
from monitoring.board.job_rows import LOOKS, read_rows
from monitoring.board.lately import points, read_outcomes
from monitoring.board.page import page
from monitoring.board.standing import Standing
from monitoring.board.wording import clock, count
from monitoring.errors import InvalidQuery, QueueNotFound
from monitoring.jobs.own import get_own_jobs
from monitoring.jobs.pages import get_job_page
from monitoring.queues.snapshot import Counts
from monitoring.search import search_jobs
from monitoring.search.query import SearchQuery, parse_query, state_of
from monitoring.web.paths import path_of
from workers.many_jobs import MOST

router = APIRouter(tags=["browser"])

ROWS = 10
"""Jobs of one page."""

_STATES: Sequence[tuple[str, str, str]] = (
    ("waiting", "waits for a worker", "wait for a worker"),
    ("held", "is held back by a pause", "are held back by a pause"),
    ("active", "is in the hands of a worker", "are in the hands of workers"),
    (
        "delayed",
        "is due later, or waits for another attempt",
        "are due later, or wait for another attempt",
    ),
    ("deferred", "waits for other jobs", "wait for other jobs"),
    ("completed", "succeeded and is still on record", "succeeded and are still on record"),
    ("failed", "failed for good and is still on record", "failed for good and are still on record"),
    ("canceled", "was cancelled and is still on record", "were cancelled and are still on record"),
)
"""States as the search has them, and what one job in them does, and what several do."""
_ON_RECORD = ["is on record", "are on record"]
_SELDOM = frozenset({"held", "deferred"})  # only shown where there are such jobs

_Part = Annotated[str, Query(max_length=2_000)]


@dataclass(frozen=True)
class StateLink:
    """A state as a filter.

    Args:
        name: As the search has it; empty for all.
        url: The list of it.
        count: How many there are; None if that is not known.
        is_chosen: Whether it is the one that is shown.
    """

    name: str
    url: str
    count: int | None
    is_chosen: bool


@router.get("/jobs")
def jobs(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request,
    asker: Asker,
    reader: Reader,
    q: Annotated[list[_Part], Query(max_length=30)] = [],  # noqa: B006 - FastAPI copies it
    cols: Annotated[list[str] | None, Query(max_length=20)] = None,
    over: str = "",
    cursor: Annotated[str, Query(max_length=8_000)] = "",
) -> Response:
    """Show the jobs that fit; to who may see one tenant only, those of that tenant."""
    asked = asked_for(q, columns=cols, over=over, cursor=cursor, root=path_of(request, ""))
    tenant = asker.tenant

    def read_it(standing: Standing) -> Mapping[str, Any]:
        return read(asked, standing, tenant=tenant, connection=reader)

    return page(request, asker, "jobs.html", read_it, place="jobs")


def read(
    asked: Asked, standing: Standing, *, tenant: str | None, connection: redis.Redis
) -> Mapping[str, Any]:
    """What the page shows.

    Args:
        asked: Which jobs.
        standing: How things stand, for all tenants.
        tenant: The only one whose jobs may be seen; None means all.
        connection: Where the rest is read.
    """
    now = standing.now
    query, error = _query(asked, now)
    found, refused = _found(asked, query, error, tenant, connection)
    counts = None if tenant is not None else _counts(query, standing)
    many = _how_many(asked, counts)
    rows = read_rows(found["jobs"], connection=connection)
    return {
        "asked": asked,
        "error_of_search": refused,
        "states": _links(asked, counts),
        "counted": (f"queue {query.queue}" if query.queue else "all queues") if counts else "",
        "rows": rows,
        "next_page": asked.page(found["cursor"]) if found["cursor"] else None,
        "partial": found["partial"],
        "many": many,
        "most": MOST,
        "sentence": _sentence(asked, query, found, many),
        "chart": None if tenant is not None else _chart(asked, query, standing, connection),
        "of_chart": _of_what(query),
        "brush": Asked({k: v for k, v in asked.qualifiers.items() if k not in _TIMES}).text,
        "columns": COLUMNS,
        "shown": [name for name in COLUMNS if name in asked.columns],
        "looks": LOOKS,
    }


_TIMES = frozenset({"since", "until"})


def _query(asked: Asked, now: datetime) -> tuple[SearchQuery, InvalidQuery | None]:
    try:
        return parse_query(asked.text, now=now), asked.error
    except InvalidQuery as error:
        return SearchQuery(), error


def _found(
    asked: Asked,
    query: SearchQuery,
    error: InvalidQuery | None,
    tenant: str | None,
    connection: redis.Redis,
) -> tuple[JsonDict, InvalidQuery | QueueNotFound | None]:
    nothing: JsonDict = {"jobs": [], "cursor": None, "partial": False}
    if error is not None:
        return nothing, error
    try:
        return _page(asked, query, tenant, connection), None
    except (InvalidQuery, QueueNotFound) as wrong:
        return nothing, wrong


def _page(
    asked: Asked, query: SearchQuery, tenant: str | None, connection: redis.Redis
) -> JsonDict:
    """Lists know what changed last; the search knows what messages carry."""
    cursor = asked.cursor or None
    if set(asked.qualifiers) - {"state", "queue", "type"}:
        return search_jobs(
            asked.text, tenant=tenant, limit=ROWS, cursor=cursor, connection=connection
        )
    if tenant is not None:
        return get_own_jobs(
            tenant,
            queue=query.queue,
            state=query.state,
            message_type=query.message_type,
            limit=ROWS,
            cursor=cursor,
            connection=connection,
        )
    return get_job_page(
        queue=query.queue,
        state=query.state,
        message_type=query.message_type,
        limit=ROWS,
        cursor=cursor,
        connection=connection,
    )


def _counts(query: SearchQuery, standing: Standing) -> Mapping[str, int] | None:
    """How many jobs of the chosen queue, or of all, are in each state."""
    snapshot = standing.look.snapshot
    if query.queue is not None and query.queue not in snapshot.queues:
        return None
    found = snapshot.total if query.queue is None else snapshot.queues[query.queue].total
    return _by_state(found)


def _by_state(counts: Counts) -> Mapping[str, int]:
    return {
        "waiting": counts.waiting,
        "held": counts.held,
        "active": counts.taken + counts.started,
        "delayed": counts.scheduled,
        "deferred": counts.deferred,
        "completed": counts.finished,
        "failed": counts.failed,
        "canceled": counts.canceled,
    }


def _how_many(asked: Asked, counts: Mapping[str, int] | None) -> int | None:
    """How many jobs fit, if that is known without looking for them."""
    if counts is None or set(asked.qualifiers) - {"state", "queue"}:
        return None
    state = state_of(asked.qualifiers.get("state"))
    return counts.get(state, 0) if state else sum(counts.values())


def _links(asked: Asked, counts: Mapping[str, int] | None) -> Sequence[StateLink]:
    chosen = state_of(asked.qualifiers.get("state", ""))
    everything = None if counts is None else sum(counts.values())
    found = [StateLink("", asked.with_("state", None), everything, not chosen)]
    for name, *_ in _STATES:
        number = None if counts is None else counts[name]
        if name not in _SELDOM or number or name == chosen:
            url = asked.with_("state", name)
            found.append(StateLink(name, url, number, name == chosen))
    return found


def _of_what(query: SearchQuery) -> str:
    kind = query.message_type or ""
    queue = f"queue {query.queue}" if query.queue else ""
    return " in ".join(filter(None, (kind, queue))) or "all queues"


def _sentence(asked: Asked, query: SearchQuery, found: JsonDict, many: int | None) -> str:
    where = f" in queue {query.queue}" if query.queue else ""
    shown = len(found["jobs"])
    if many is not None:
        told = next((verbs for name, *verbs in _STATES if name == query.state), _ON_RECORD)
        return f"{_jobs(many)}{where} {told[many != 1]}."
    if not asked.qualifiers:
        return "Those that were sent last come first."
    if found["cursor"] or asked.cursor:
        return f"More than {shown} jobs fit." if shown else "None found yet."
    return f"{_jobs(shown)} fit{'s' if shown == 1 else ''}."


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{count(number)} jobs"


def _chart(
    asked: Asked, query: SearchQuery, standing: Standing, connection: redis.Redis
) -> JsonDict:
    buckets = read_outcomes(hours=asked.hours, now=standing.now, connection=connection)
    drawn = points(buckets, query.queue, query.message_type)
    done, failed, retried = (
        sum(each[name] for each in drawn) for name in ("successful", "failed", "retried")
    )
    last = "24 hours" if asked.hours else "60 minutes"
    label = (
        f"{_of_what(query).capitalize()}, last {last}: {count(done)} succeeded, {count(failed)} "
        f"failed, {count(retried)} runs are tried again."
    )
    chart = outcomes_chart(drawn, label=label, now=standing.now, height=132)
    if query.state == "delayed":
        again = [each["retried"] for each in drawn]
        chart["series"] = [{"name": "To be tried again", "c": "d", "v": again}]
        chart["ticks"] = ticks(max(again, default=0))
    elif query.state in {"completed", "failed"}:
        at = 0 if query.state == "completed" else 1
        chart["series"] = [chart["series"][at]]
        chart["ticks"] = ticks(max(chart["series"][0]["v"], default=0))
    chart["marks"] = list(_marks(query, drawn, standing.now))
    return chart


def _marks(
    query: SearchQuery, drawn: Sequence[Mapping[str, Any]], now: datetime
) -> Sequence[JsonDict]:
    found = []
    for word, moment in (("since", query.since), ("until", query.until)):
        at = point_of(moment, drawn) if moment else None
        if moment is not None and at is not None:
            found.append({"i": at, "t": f"{word} {clock(moment, now=now)}"})
    return found
