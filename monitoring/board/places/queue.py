"""One queue: how it is, its numbers and charts, who listens, what is next, and what can be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from fastapi import APIRouter, Request
from fastapi.responses import Response

from monitoring.api.parts import Engine, JsonDict, Looker, Reader
from monitoring.board.drawing import outcomes_chart, point_of
from monitoring.board.ended import read_ended
from monitoring.board.lanes import by_subject, queue_row
from monitoring.board.latencies import times_chart
from monitoring.board.page import page
from monitoring.board.places.queues import last_day
from monitoring.board.standing import Standing
from monitoring.board.wording import count
from monitoring.errors import unknown_queue
from monitoring.explain.explanations import explain_queue
from monitoring.numbers.buckets import Bucket, per_type, read_histograms
from monitoring.numbers.figures import Figures
from monitoring.numbers.series import get_series
from monitoring.queues.front import read_front
from workers.connection import storage_errors
from workers.routing import Priority
from workers.settings import Settings

router = APIRouter(tags=["browser"])

_NEXT = 3  # jobs of each list
_TIMED = 2  # hours whose histograms are read: this one and the one before


@dataclass(frozen=True)
class OfType:
    """What ended of a type in this queue in the last 24 hours.

    Args:
        name: The type.
        finished: How many succeeded.
        failed: How many failed for good.
        p95_ms: How long 95 of 100 runs took at most in this hour and the one before.
    """

    name: str
    finished: int
    failed: int
    p95_ms: float | None

    @property
    def success(self) -> float:
        """Of 100."""
        return 100 * self.finished / (self.finished + self.failed)


@router.get("/queues/{queue}")
def queue(request: Request, queue: str, asker: Looker, reader: Reader, engine: Engine) -> Response:
    """Show a queue."""
    return page(
        request,
        asker,
        "queue.html",
        lambda found: read(queue, found, engine, reader),
        place="queues",
    )


def read(
    name: str, standing: Standing, settings: Settings, connection: redis.Redis
) -> Mapping[str, Any]:
    """What the page shows.

    Args:
        name: The queue.
        standing: How things stand.
        settings: Its weights, and whether it may be cleared.
        connection: Where the rest is read.

    Raises:
        QueueNotFound: If there is no such queue.
    """
    if name not in standing.queues:
        raise unknown_queue(name, standing.queues)
    facts, snapshot = standing.queues[name], standing.look.snapshot.queues[name]
    with storage_errors():
        buckets = last_day(standing.now, connection)
        hours = buckets[-_TIMED - 2 : -2]
        timed = read_histograms(hours, queues=[name], connection=connection)
        front = read_front(name, _NEXT, connection=connection)
    ended = read_ended(buckets)(name)
    told, needs = explain_queue(facts), by_subject(standing.needs).get(name, ())
    series = get_series("minute", queue=name, connection=connection)
    lately = per_type(_only(timed, name))
    total = Figures.together(lately.values())
    return {
        "facts": facts,
        "row": queue_row(facts, snapshot, ended, needs),
        "ended": ended,
        "sentences": told.sentences,
        "needs": needs,
        "run_ms": total.run.quantile_ms(0.95),
        "wait_ms": total.wait.quantile_ms(0.95),
        "outcomes": _outcomes(series, name, standing),
        "times": _times(series, name, standing),
        "types": _types(name, buckets, lately),
        "front": front,
        "priorities": _priorities(snapshot.lists, settings),
        "clearing": _clearing(settings),
    }


def _only(buckets: Sequence[Bucket], queue: str) -> Sequence[Bucket]:
    return [
        Bucket(each.piece, {stat: of for stat, of in each.figures.items() if stat.queue == queue})
        for each in buckets
    ]


def _outcomes(series: JsonDict, name: str, standing: Standing) -> JsonDict | None:
    points = series["points"]
    done, failed = (sum(each[key] for each in points) for key in ("successful", "failed"))
    if not done + failed:
        return None
    label = f"{name}, last 60 minutes: {count(done)} succeeded, {count(failed)} failed."
    return outcomes_chart(points, label=label, now=standing.now, marks=_deploys(series), height=150)


def _deploys(series: JsonDict) -> Sequence[JsonDict]:
    found = []
    for each in series["deploys"][-3:]:
        at = point_of(datetime.fromisoformat(each["at"]), series["points"])
        if at is not None:
            found.append({"i": at, "t": each["version"][:8]})
    return found


def _times(series: JsonDict, name: str, standing: Standing) -> JsonDict | None:
    points = series["points"]
    runs = [each["runP95"] for each in points if each["runP95"] is not None]
    if not runs:
        return None
    label = f"{name}, last 60 minutes: how long jobs ran and waited, on a log scale."
    return times_chart(points, label=label, now=standing.now)


def _types(name: str, buckets: Sequence[Bucket], lately: Mapping[str, Figures]) -> Sequence[OfType]:
    """Those of the last day, with failures first, then the busiest."""
    day = per_type(_only(buckets[:-2], name))
    found = [
        OfType(
            kind,
            each.finished,
            each.failed,
            lately[kind].run.quantile_ms(0.95) if kind in lately else None,
        )
        for kind, each in day.items()
        if each.ended
    ]
    return sorted(found, key=lambda each: (-each.failed, -each.finished, each.name))[:8]


def _priorities(lists: Mapping[Priority, Any], settings: Settings) -> Sequence[JsonDict]:
    return [
        {
            "name": priority.value,
            "waiting": lists[priority].waiting,
            "active": lists[priority].taken + lists[priority].started,
            "delayed": lists[priority].scheduled,
            "share": 100 * weight / sum(settings.queue_weights),
        }
        for priority, weight in zip(Priority, settings.queue_weights, strict=True)
    ]


def _clearing(settings: Settings) -> str:
    """Why nothing may be cleared; empty if it may."""
    if settings.environment.strip().lower() == "production" and not settings.allow_clear:
        return "ENVIRONMENT is production, so queues are not cleared unless ALLOW_CLEAR is set."
    return ""
