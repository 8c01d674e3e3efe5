"""Overview: what needs a person now, then five numbers, queues, types, stuck jobs, activity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import redis
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from monitoring.api.parts import Asker, Reader
from monitoring.board.drawing import outcomes_chart, point_of
from monitoring.board.forecasts import forecast_of
from monitoring.board.lanes import depth_of
from monitoring.board.lately import Lately, points, read_lately
from monitoring.board.needs import Need
from monitoring.board.page import page
from monitoring.board.standing import Standing
from monitoring.board.wording import clock, count, percent
from monitoring.explain.facts import QueueFacts
from monitoring.jobs.pages import get_job_page
from monitoring.jobs.stuck import Reason
from monitoring.web.paths import path_of
from monitoring.words import number, span

router = APIRouter(tags=["browser"])

JsonDict = dict[str, Any]

REASONS: Mapping[Reason, str] = {
    "running_long": "That is long",
    "slower_than_usual": "95 of 100 of its type take less than a third of that",
    "past_timeout": "Its timeout should have ended it",
    "abandoned": "Its worker is gone",
}
"""Why a job counts as stuck."""

_NEEDS, _CARDS, _TYPES, _STUCK, _RECENT = 6, 6, 6, 5, 6  # rows that are shown


@dataclass(frozen=True)
class Figure:
    """A number with what it is compared with.

    Args:
        name: What it counts.
        value: As it is shown.
        unit: Behind it, smaller.
        note: The comparison.
        line: Its sparkline, oldest first.
        colour: Of the line; `bad` only where it is the problem.
    """

    name: str
    value: str
    unit: str
    note: str
    line: Sequence[float | None] = ()
    colour: str = ""


@dataclass(frozen=True)
class Card:
    """A queue at a glance.

    Args:
        facts: The queue.
        badge: How it is: severity, `paused`, `none` (no workers) or `ok`.
        word: The same as a word.
        forecast: Where it is going.
    """

    facts: QueueFacts
    badge: str
    word: str
    forecast: str

    @property
    def depth(self) -> str:
        """How bad the number that waits is, as a class; empty if it is not."""
        return depth_of(self.facts.counts.waiting)


@dataclass(frozen=True)
class TypeRow:
    """What ended of a type in the last hour.

    Args:
        name: The type.
        ok: How many succeeded.
        failed: How many failed.
        p95_ms: How long 95 of 100 runs took at most; None if that is not known.
    """

    name: str
    ok: int
    failed: int
    p95_ms: float | None

    @property
    def success(self) -> float:
        """Of 100, how many succeeded."""
        return 100 * self.ok / (self.ok + self.failed)


@router.get("/")
def overview(request: Request, asker: Asker, reader: Reader) -> Response:
    """Show what needs a person now; who may see one tenant only is led to its jobs."""
    if asker.tenant is not None:
        return RedirectResponse(path_of(request, "/jobs"), HTTPStatus.SEE_OTHER)
    return page(request, asker, "overview.html", lambda found: read(found, reader), place="")


def read(standing: Standing, connection: redis.Redis) -> Mapping[str, Any]:
    """What the page shows.

    Args:
        standing: How things stand.
        connection: Where the rest is read.
    """
    lately = read_lately(now=standing.now, connection=connection)
    minutes, hours = points(lately.minutes), points(lately.hours)
    needs = standing.needs
    stuck = standing.stuck
    return {
        "lead": needs[0] if needs else None,
        "others": needs[1:_NEEDS],
        "more": max(0, len(needs) - _NEEDS),
        "if_you_wait": _if_you_wait(needs[0], standing) if needs else "",
        "chart": _proof(needs[0], standing, lately) if needs else None,
        "figures": _figures(standing, minutes, hours),
        "cards": [
            _card(each, needs, nobody=not standing.workers) for each in _ordered(standing)[:_CARDS]
        ],
        "types": _types(lately),
        "stuck": stuck[:_STUCK],
        "reasons": REASONS,
        "stuck_count": len(stuck),
        "recent": get_job_page(limit=_RECENT, connection=connection)["jobs"],
        "workers": standing.workers,
    }


def _if_you_wait(need: Need, standing: Standing) -> str:
    """Where the queue is going that the worst finding is about; empty if nothing waits there."""
    facts = standing.queues.get(need.subject)
    return forecast_of(facts) if facts is not None and facts.counts.waiting else ""


def _proof(need: Need, standing: Standing, lately: Lately) -> JsonDict | None:
    """The chart of just what the worst finding is about."""
    if need.subject not in standing.queues:
        return None
    minutes = points(lately.minutes, need.subject)
    at = point_of(need.since, minutes) if need.since else None
    marks = [] if at is None or need.since is None else [_mark(at, need, standing)]
    done = sum(each["successful"] for each in minutes)
    failed = sum(each["failed"] for each in minutes)
    if not done + failed:
        return None
    label = f"{need.subject}, last 60 minutes: {count(done)} succeeded, {count(failed)} failed."
    return outcomes_chart(minutes, label=label, now=standing.now, marks=marks)


def _mark(at: int, need: Need, standing: Standing) -> JsonDict:
    assert need.since is not None  # noqa: S101 - for mypy: only called with one
    return {"i": at, "t": f"since {clock(need.since, now=standing.now)}", "c": "bad"}


def _figures(
    standing: Standing, minutes: Sequence[JsonDict], hours: Sequence[JsonDict]
) -> Sequence[Figure]:
    queues = standing.queues.values()
    waiting = sum(each.counts.waiting for each in queues)
    active = sum(each.counts.taken + each.counts.started for each in queues)
    oldest = max((each.oldest_seconds or 0.0 for each in queues), default=0.0)
    day, hour = hours[1:], minutes
    failed, done = _sum(day, "failed"), _sum(hour, "successful")
    last, failed_last = done + _sum(hour, "failed"), _sum(hour, "failed")
    yesterday = _sum(hours[:1], "successful") + _sum(hours[:1], "failed")
    rate = sum(each.ended_per_minute for each in queues)
    return (
        Figure(
            "Waiting", count(waiting), "", f"the oldest for {span(oldest)}" if waiting else "none"
        ),
        Figure(
            "Active",
            count(active),
            "",
            f"on {number(standing.workers, 'worker')}",
        ),
        Figure(
            "Failed, 24 h",
            count(failed),
            "",
            f"{standing.open_groups} open groups" if standing.open_groups != 1 else "1 open group",
            [each["failed"] for each in day],
            "bad" if failed else "",
        ),
        Figure(
            "Succeeded, 1 h",
            percent(100 * done / last if last else None).removesuffix("%").rstrip(),
            "%" if last else "",
            f"24 h: {percent(_share(day))}",
            [_share([each]) for each in hour],
            "bad" if failed_last * 10 > last else "",
        ),
        Figure(
            "Finished",
            count(rate),
            "a minute",
            f"this hour yesterday: {count(round(yesterday / 60, 1))}",
            [_ended(each) for each in hour[:-1]],
        ),
    )


def _sum(points: Sequence[JsonDict], name: str) -> int:
    return sum(each[name] for each in points)


def _ended(point: JsonDict) -> int:
    ended: int = point["successful"] + point["failed"]
    return ended


def _share(points: Sequence[JsonDict]) -> float | None:
    ended = sum(map(_ended, points))
    return 100 * _sum(points, "successful") / ended if ended else None


def _ordered(standing: Standing) -> Sequence[QueueFacts]:
    """Those in trouble first, then by their oldest job, then by their load."""
    rank = {need.subject: at for at, need in reversed(list(enumerate(standing.needs)))}
    return sorted(
        standing.queues.values(),
        key=lambda each: (
            rank.get(each.name, len(rank) + len(standing.needs)),
            -(each.oldest_seconds or 0.0),
            -each.ended_per_minute,
            each.name,
        ),
    )


def _card(facts: QueueFacts, needs: Sequence[Need], *, nobody: bool) -> Card:
    worst = next((need for need in needs if need.subject == facts.name), None)
    if facts.is_held_up:
        badge, word = "paused", "Paused"
    elif nobody or (not facts.workers and facts.counts.waiting):
        badge, word = "none", "No workers"
    elif worst is not None:
        badge, word = worst.severity, worst.severity.capitalize()
    else:
        badge, word = "ok", "Healthy"
    return Card(facts, badge, word, forecast_of(facts))


def _types(lately: Lately) -> Sequence[TypeRow]:
    """Those that ended in the last hour, with failures first, then the busiest."""
    found = [
        TypeRow(kind, ok, failed, _p95(kind, lately))
        for kind, (ok, failed) in lately.of_types().items()
        if ok + failed
    ]
    return sorted(found, key=lambda each: (-each.failed, -each.ok, each.name))[:_TYPES]


def _p95(kind: str, lately: Lately) -> float | None:
    return lately.runs[kind].run.quantile_ms(0.95) if kind in lately.runs else None
