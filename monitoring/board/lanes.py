"""Queues and streams as rows of one table: those in trouble first. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from monitoring.board.forecasts import forecast_of, forecast_of_stream
from monitoring.board.needs import SEVERITIES, Need, Severity
from monitoring.board.wording import count
from monitoring.explain.facts import QueueFacts
from monitoring.queues.snapshot import QueueSnapshot
from monitoring.streams.overview import StreamRow
from monitoring.words import are, number
from workers.pauses import Pause
from workers.routing import Priority

Lane = Literal["rq", "stream"]
Badge = Literal["critical", "high", "medium", "low", "paused", "none", "left", "full", "ok"]

_NEARLY_FULL = 0.8
_CALM = len(SEVERITIES)
_MANY, _TOO_MANY = 100, 1_000  # jobs that wait; requirements 000 and 003


@dataclass(frozen=True)
class Row:
    """A queue or a stream at a glance.

    Args:
        name: Its name.
        lane: Which.
        types: The message types that ended there in the last day, or that its name tells.
        badge: How it is.
        word: The same as a word.
        urgency: From 0, critical, to 4, nothing.
        forecast: Where it is going.
        said: What is so, as a part of a sentence; empty if all is well.
        pauses: What keeps it from starting anything.
        waiting: Jobs, or entries that nobody was given.
        active: Jobs or entries in hand.
        delayed: Jobs that are due later.
        dead: Failed ones that are still on record.
        oldest: Since when the oldest one waits, or about that; None if none does.
        workers: Who listens and lives.
        priorities: How many wait by priority: high, normal, low.
        came: A minute; None if that is not known.
        went: A minute.
        success: Of 100 that ended in the last 24 h; None if none did.
        is_least: Whether more may wait than was counted.
    """

    name: str
    lane: Lane
    types: Sequence[str] = ()
    badge: Badge = "ok"
    word: str = "Healthy"
    urgency: int = _CALM
    forecast: str = ""
    said: str = ""
    pauses: Sequence[Pause] = ()
    waiting: int = 0
    active: int = 0
    delayed: int = 0
    dead: int = 0
    oldest: datetime | None = None
    workers: int = 0
    priorities: tuple[int, int, int] = (0, 0, 0)
    came: float | None = None
    went: float = 0.0
    success: float | None = None
    is_least: bool = False

    @property
    def is_calm(self) -> bool:
        """Whether nobody needs to look."""
        return self.urgency == _CALM

    @property
    def is_paused(self) -> bool:
        """Whether the whole of it is paused."""
        return any(each.kind == "queue" and each.name == self.name for each in self.pauses)

    @property
    def depth(self) -> str:
        """How bad the number that waits is; see `depth_of`."""
        return depth_of(self.waiting)

    @property
    def consumers(self) -> str:
        """Who works on it, as requirement 000 says it."""
        return f"{number(self.workers, 'worker')} processing" if self.workers else _NOBODY


def depth_of(waiting: int) -> str:
    """How bad it is that so many wait, as a class.

    Args:
        waiting: How many do.

    Returns:
        Empty, `warn` from 101 on, `bad` from 1,001 on.
    """
    return "bad" if waiting > _TOO_MANY else "warn" if waiting > _MANY else ""


_NOBODY = "No workers active"


@dataclass(frozen=True)
class Ended:
    """What ended of a queue or a stream.

    Args:
        finished: In the last 24 h.
        failed: Likewise, for good.
        types: Of which types.
        minute: How many in the last minute.
        growth: By how many a minute the backlog changes; None if that is not known.
    """

    finished: int = 0
    failed: int = 0
    types: Sequence[str] = ()
    minute: float = 0.0
    growth: float | None = None

    @property
    def success(self) -> float | None:
        """Of 100 that ended."""
        ended = self.finished + self.failed
        return 100 * self.finished / ended if ended else None

    @property
    def came(self) -> float | None:
        """A minute: what ended, and by how much there is more."""
        return None if self.growth is None else max(0.0, self.minute + self.growth)


def queue_row(facts: QueueFacts, queue: QueueSnapshot, ended: Ended, needs: Sequence[Need]) -> Row:
    """A queue.

    Args:
        facts: What is known of it.
        queue: Its lists.
        ended: What ended of it.
        needs: What is wrong with it, the worst first.
    """
    counts, forecast = facts.counts, facts.forecast
    high, normal, low = (queue.lists[each].waiting for each in Priority)
    known = forecast is not None and forecast.grows_per_minute is not None
    row = Row(
        name=facts.name,
        lane="rq",
        types=ended.types,
        forecast=forecast_of(facts),
        pauses=facts.pauses,
        waiting=counts.waiting + counts.held,
        active=counts.taken + counts.started,
        delayed=counts.scheduled,
        dead=counts.failed,
        oldest=None if facts.oldest_seconds is None else _ago(facts.now, facts.oldest_seconds),
        workers=len(facts.workers),
        priorities=(high, normal, low),
        came=forecast.arrives_per_minute if forecast and known else None,
        went=facts.ended_per_minute,
        success=ended.success,
    )
    if facts.is_held_up:
        return _held_up(row)
    if needs:
        worst = needs[0]
        row = _troubled(
            row, worst.severity, worst.severity, worst.severity.capitalize(), worst.title
        )
    if not facts.workers and counts.waiting:
        said = f"{facts.name} has no workers"
        urgency = min(row.urgency, SEVERITIES.index("critical"))
        return replace(row, badge="none", word="No workers", urgency=urgency, said=said)
    return row


def stream_row(
    found: StreamRow, ended: Ended, pauses: Sequence[Pause], needs: Sequence[Need]
) -> Row:
    """A stream.

    Args:
        found: What was seen of it.
        ended: What ended of it.
        pauses: What keeps it from starting anything.
        needs: What is wrong with it beside that, the worst first.
    """
    name = found.name.base
    row = Row(
        name=name,
        lane="stream",
        types=ended.types,
        forecast=forecast_of_stream(
            found.waiting,
            alive=found.alive,
            went=ended.minute,
            came=ended.came,
            paused=bool(pauses),
        ),
        pauses=pauses,
        waiting=found.waiting,
        active=found.pending,
        oldest=found.since,
        workers=found.alive,
        priorities=found.priorities,
        came=ended.came,
        went=ended.minute,
        success=ended.success,
        is_least=found.is_least,
    )
    if pauses:
        return _held_up(row)
    return _judged(row, found, needs)


def _judged(row: Row, found: StreamRow, needs: Sequence[Need]) -> Row:
    if found.fullest >= found.limit:
        return _troubled(row, "critical", "full", "Full", f"{row.name} is full")
    if found.waiting and not found.alive:
        return _troubled(row, "critical", "none", "No workers", f"{row.name} has no workers")
    if found.left:
        held = f"{number(found.left, 'entry', 'entries')} {are(found.left)}"
        said = f"{held} with dead consumers of {row.name}"
        forecast = f"{count(found.left)} held by the dead"
        return replace(_troubled(row, "high", "left", "Dead consumer", said), forecast=forecast)
    if found.fullest >= _NEARLY_FULL * found.limit:
        return _troubled(row, "medium", "full", "Nearly full", f"{row.name} is nearly full")
    if needs:
        worst = needs[0]
        word = worst.severity.capitalize()
        return _troubled(row, worst.severity, worst.severity, word, worst.title)
    return row


def ordered(rows: Sequence[Row]) -> Sequence[Row]:
    """Those in trouble first, then what has waited longest, then what is busiest.

    Args:
        rows: Of both lanes.
    """
    return sorted(rows, key=_place)


def told(rows: Sequence[Row], most: int = 3) -> str:
    """How all of them are, in a sentence.

    Args:
        rows: In their order.
        most: How many are named.
    """
    troubled = [row for row in rows if not row.is_calm]
    if not rows:
        return "There is none yet."
    if not troubled:
        return f"All {len(rows)} are well." if len(rows) > 1 else "It is well."
    said = "; ".join(row.said for row in troubled[:most])
    more = f"; and {len(troubled) - most} more" if len(troubled) > most else ""
    verb = "needs" if len(troubled) == 1 else "need"
    return f"{len(troubled)} of {len(rows)} {verb} a look: {said}{more}."


def by_subject(needs: Sequence[Need]) -> Mapping[str, Sequence[Need]]:
    """Needs by the queue or the stream that they are about.

    Args:
        needs: The worst first.
    """
    found: dict[str, list[Need]] = {}
    for need in needs:
        found.setdefault(need.subject, []).append(need)
    return found


def _place(row: Row) -> tuple[int, float, float, str]:
    oldest = row.oldest.timestamp() if row.oldest else float("inf")
    return row.urgency, oldest, -row.went, row.name


def _troubled(row: Row, severity: Severity, badge: Badge, word: str, said: str) -> Row:
    return replace(row, badge=badge, word=word, said=said, urgency=SEVERITIES.index(severity))


def _held_up(row: Row) -> Row:
    return _troubled(row, "medium", "paused", "Paused", f"{row.name} is paused")


def _ago(now: datetime, seconds: float) -> datetime:
    return now - timedelta(seconds=seconds)
