"""Workers: those that died first, with what they ran; then what each of the others does."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from monitoring.api.parts import Engine, Looker, Reader
from monitoring.board.crew import Hand, hands_of
from monitoring.board.needs import NOBODY
from monitoring.board.page import page
from monitoring.board.standing import Standing
from monitoring.fleet import get_workers
from monitoring.words import number
from workers.settings import Settings

router = APIRouter(tags=["browser"])

JsonDict = dict[str, Any]

_ROWS = 25
_TOLD = 3  # dead ones that are told as findings; further ones stand in the table


@router.get("/workers")
def workers(
    request: Request,
    asker: Looker,
    reader: Reader,
    engine: Engine,
    cursor: Annotated[str, Query(max_length=2_000)] = "",
) -> Response:
    """Show the workers of queues and the consumers of streams."""
    return page(
        request,
        asker,
        "workers.html",
        lambda standing: read(standing, cursor, settings=engine, connection=reader),
        place="workers",
    )


def read(
    standing: Standing, cursor: str, *, settings: Settings, connection: redis.Redis
) -> Mapping[str, Any]:
    """What the page shows, in nine round trips at most.

    Args:
        standing: How things stand.
        cursor: Of the page before; empty begins.
        settings: The limits.
        connection: Where.
    """
    found = get_workers(limit=_ROWS, cursor=cursor, connection=connection, settings=settings)
    newest = standing.deploy["version"] if standing.deploy else ""
    hands = hands_of(
        found["workers"],
        now=standing.now,
        newest=newest,
        settings=settings,
        connection=connection,
    )
    dead = [] if cursor else [each for each in hands if each.is_dead][:_TOLD]
    return {
        "dead": dead,
        "hands": hands[len(dead) :],
        "sentence": _sentence(found, hands, newest),
        "found": found,
        "begun": bool(cursor),
        "lease": settings.lease_seconds,
        "newest": newest,
    }


def _sentence(found: JsonDict, hands: Sequence[Hand], newest: str) -> str:
    counts = found["counts"]
    every, living = counts["queue"] + counts["stream"], [each for each in hands if not each.is_dead]
    if not every:
        return f"{NOBODY}."
    dead = counts["dead"]
    told = f"{every - dead} of {every} run." if dead else f"{number(every, 'worker')}, all alive."
    slots = sum(each.told["slots"] or 0 for each in living)
    if slots and found["cursor"] is None:
        busy = sum(each.busy for each in living)
        told += f" {busy:,} of {number(slots, 'slot')} {'are' if slots > 1 else 'is'} busy."
    old = [each.told["name"] for each in living if each.is_old]
    if old:
        who = old[0] if len(old) == 1 else f"{len(old):,} of them"
        told += f" {who} still run{'s' if len(old) == 1 else ''} another version than {newest}."
    return told
