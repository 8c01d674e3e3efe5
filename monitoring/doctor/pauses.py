"""Pauses that somebody may have forgotten: jobs wait, and nothing is broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitoring.doctor.finding import Finding
from monitoring.queues.snapshot import Snapshot
from monitoring.words import number, span
from workers.pauses import Pause

_LONG = 3_600.0  # seconds


@dataclass(frozen=True)
class _Forgotten:
    """A pause, how long it has lasted, and how many jobs wait for its end."""

    pause: Pause
    seconds: float
    waiting: int


def pause_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """Tell of pauses older than an hour with jobs that wait for their end.

    Args:
        snapshot: The pauses and the queues.
    """
    found = [each for each in _forgotten(snapshot) if each.seconds > _LONG and each.waiting]
    if not found:
        return
    oldest = found[0]
    pause = oldest.pause
    others = f" There {_others(len(found) - 1)}." if len(found) > 1 else ""
    option = "" if pause.kind == "queue" else f"--{pause.kind} "
    yield Finding(
        "paused_for_long",
        "warning",
        f"The {pause.kind} {pause.name} has been paused for {span(oldest.seconds)}, by "
        f"{pause.actor} ({pause.reason}): {number(oldest.waiting, 'job')} "
        f"{'waits' if oldest.waiting == 1 else 'wait'}.{others}",
        f'`postroom queues resume {option}{pause.name} --reason "..."`; '
        "`postroom queues list` shows every pause.",
    )


def _forgotten(snapshot: Snapshot) -> Iterator[_Forgotten]:
    for each in snapshot.paused:
        queue = snapshot.queues.get(each.pause.name) if each.pause.kind == "queue" else None
        age = snapshot.time - datetime.fromisoformat(each.pause.at)
        waiting = queue.total.waiting if queue is not None else each.pause.held
        yield _Forgotten(each.pause, age.total_seconds(), waiting)


def _others(count: int) -> str:
    return "is 1 more such pause" if count == 1 else f"are {count:,} more such pauses"
