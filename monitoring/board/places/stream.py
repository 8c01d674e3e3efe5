"""One stream: how it is, what waits, who has what in hand, its entries, and what can be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from monitoring.answers import shown_time
from monitoring.api.parts import Asker, Engine, JsonDict, Reader
from monitoring.board.drawing import outcomes_chart
from monitoring.board.ended import read_ended_of_streams
from monitoring.board.lanes import Row, by_subject, stream_row
from monitoring.board.page import Board, page
from monitoring.board.places.queues import last_day, pauses_on
from monitoring.board.standing import Standing
from monitoring.board.wording import count
from monitoring.errors import SubjectNotFound
from monitoring.explain.explanations import explain_stream
from monitoring.explain.facts import StreamFacts
from monitoring.explain.stream_facts import read_stream_facts
from monitoring.numbers.buckets import read_sums
from monitoring.numbers.spans import pieces_of
from monitoring.streams.outcomes import read_ends
from monitoring.streams.overview import row_of
from monitoring.streams.peek import Peeked, peek
from monitoring.streams.reading import answered
from monitoring.streams.trimmable import trimmable
from monitoring.web.auth import check_tenant
from workers.connection import storage_errors
from workers.routing import queue_of
from workers.settings import Settings
from workers.streams.hands import NOBODY
from workers.streams.naming import Naming, StreamName

router = APIRouter(tags=["browser"])

ENTRIES = 10
"""Entries of one page."""
_MINUTES = 60
_Entry = r"^(\d{1,20}-\d{1,20})?$"


@dataclass(frozen=True)
class Consumer:
    """A consumer of one group of one key.

    Args:
        key: The stream's key.
        group: Its group.
        name: Its name.
        pending: Entries in its hands.
        idle_ms: Since when it has asked for nothing.
        alive: Whether it shows that it lives; None if it is none of ours.
    """

    key: str
    group: str
    name: str
    pending: int
    idle_ms: int
    alive: bool | None

    @property
    def is_lost(self) -> bool:
        """Whether it is dead, and has something in hand that nobody was given yet."""
        return self.alive is False and self.pending > 0 and not self.is_nobody

    @property
    def is_nobody(self) -> bool:
        """Whether it only holds what was given away, until a living one claims it."""
        return self.name == NOBODY


@dataclass(frozen=True)
class Asked:
    """What the address asks for.

    Args:
        name: The stream.
        newest: Whether its newest entries come first.
        after: Only entries behind this id.
        entry: The id of the one that is shown whole; empty for none.
        tenant: Who asks may see this one only; None means all.
    """

    name: str
    newest: bool
    after: str
    entry: str
    tenant: str | None

    @property
    def page(self) -> str:
        """The same entries, as an address that can be gone on with; none is shown whole."""
        order = "newest" if self.newest else "oldest"
        return f"?order={order}" + (f"&after={self.after}" if self.after else "")


@router.get("/streams/{name}")
def stream(  # noqa: PLR0913, PLR0917 - what the address has
    request: Request,
    name: str,
    asker: Asker,
    reader: Reader,
    engine: Engine,
    order: Literal["newest", "oldest"] = "newest",
    after: Annotated[str, Query(pattern=_Entry)] = "",
    entry: Annotated[str, Query(pattern=_Entry)] = "",
) -> Response:
    """Show a stream, and entries of it without claiming any."""
    known = Naming(engine.stream_template).read(queue_of(name))
    check_tenant(asker, known.tenant)
    asked = Asked(known.base, order == "newest", after, entry, asker.tenant)
    board: Board = request.app.state.board
    return page(
        request,
        asker,
        "stream.html",
        lambda found: read(asked, found, board, reader),
        place="queues",
    )


def read(
    asked: Asked, standing: Standing, board: Board, connection: redis.Redis
) -> Mapping[str, Any]:
    """What the page shows, in up to 18 round trips.

    Args:
        asked: What the address asks for.
        standing: How things stand.
        board: What all pages share.
        connection: Where the rest is read.

    Raises:
        SubjectNotFound: If there is no such stream.
    """
    settings = standing.look.settings
    with storage_errors():
        facts = read_stream_facts(asked.name, standing.look)
        if facts is None:
            raise SubjectNotFound(
                f"There is no stream {asked.name}.",
                field="name",
                remedy="See those that there are in Queues.",
            )
        row = _row(asked, standing, board, connection)
        entries, chosen = _entries(asked, settings, connection)
        chart = _outcomes(Naming(settings.stream_template).read(asked.name), standing, connection)
    consumers = _consumers(facts)
    told = explain_stream(facts)
    return {
        "asked": asked,
        "row": row,
        "sentences": told.sentences,
        "findings": told.findings,
        "consumers": consumers,
        "lost": next((each for each in consumers if each.is_lost), None),
        "dead": {each.name for each in consumers if each.alive is False},
        "groups": sorted({each["name"] for of in facts.lists for each in of["groups"]}),
        "parts_": [trimmable(each) for each in facts.lists if each["length"]],
        "entries": entries,
        "chosen": chosen,
        "further": entries[-1].entry_id if len(entries) == ENTRIES else "",
        "length": sum(each["length"] for each in facts.lists),
        "outcomes": chart,
    }


def _entries(
    asked: Asked, settings: Settings, connection: redis.Redis
) -> tuple[Sequence[Peeked], Sequence[Peeked]]:
    plan = peek(
        asked.name,
        ENTRIES,
        settings,
        newest=asked.newest,
        after=asked.after,
        also=asked.entry,
    )
    return answered(plan, connection)


def _row(asked: Asked, standing: Standing, board: Board, connection: redis.Redis) -> Row:
    settings = standing.look.settings
    plan = row_of(asked.name, template=settings.stream_template, limit=settings.stream_limit)
    found = answered(plan, connection)
    ended = read_ended_of_streams(
        [found],
        last_day(standing.now, connection),
        now=standing.now,
        depths=board.depths,
        connection=connection,
    )
    needs = () if asked.tenant else by_subject(standing.needs).get(asked.name, ())
    return stream_row(found, ended[asked.name], pauses_on(found, standing), needs)


def _outcomes(name: StreamName, standing: Standing, connection: redis.Redis) -> JsonDict | None:
    now = standing.now
    pieces = pieces_of("m", now - timedelta(minutes=_MINUTES - 1), now + timedelta(milliseconds=1))
    ends = read_ends([name], read_sums(pieces, connection=connection), connection=connection)
    every = ends[name.base]
    points = [
        {"at": shown_time(each.begin), "successful": each.finished, "failed": each.failed}
        for each in every
    ]
    done, failed = sum(each.finished for each in every), sum(each.failed for each in every)
    if not done + failed:
        return None
    label = f"{name.base}, last 60 minutes: {count(done)} succeeded, {count(failed)} failed."
    return outcomes_chart(points, label=label, now=now, height=150)


def _consumers(facts: StreamFacts) -> Sequence[Consumer]:
    """The dead that hold something first, then those that hold most."""
    found = [
        Consumer(
            each["stream_name"],
            group["name"],
            one["name"],
            one["pending_count"],
            one["idle_ms"],
            one["alive"],
        )
        for each in facts.lists
        for group in each["groups"]
        for one in group["consumers"]
        if one["name"] != NOBODY or one["pending_count"]
    ]
    return sorted(found, key=_urgency)


def _urgency(each: Consumer) -> tuple[bool, int, bool, int, str]:
    is_dead = each.alive is False
    return not (is_dead and each.pending), -each.pending, is_dead, each.idle_ms, each.name
