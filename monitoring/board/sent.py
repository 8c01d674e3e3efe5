"""The runs that somebody sent from a page and watches there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from monitoring.board.log_lines import LogLine, log_lines
from monitoring.jobs.status import get_job_log, get_job_status
from monitoring.jobs.timeline import WAITING, Span, spans_of
from monitoring.search.rows import Hit, rows_of
from monitoring.search.trips import Trips
from workers.connection import storage_errors
from workers.errors import JobNotFound

JsonDict = dict[str, Any]

MOST = 10
"""Runs that are watched at most; the newest stay."""
_LINES = 12
_LONGEST = 2_000  # characters of a result
_SHORT = 300  # characters of an error

_LOOKS: Mapping[str, tuple[str, str, str, str]] = {
    "waiting": ("wait", "", "Waits", "Waited"),
    "active": ("run", "t-run", "Runs", "Ran"),
    "backing off": ("delay", "t-hold", "Backs off", "Backed off"),
    "delayed": ("delay", "t-hold", "Waits for its time", "Waited for its time"),
    "deferred": ("delay", "t-hold", "Waits for other jobs", "Waited for other jobs"),
    "held": ("pause", "t-hold", "Held back by a pause", "Was held back by a pause"),
    "completed": ("ok", "t-ok", "Succeeded", "Succeeded"),
    "failed": ("dead", "t-bad", "Failed", "Failed"),
    "stopped": ("cancel", "", "Stopped", "Stopped"),
    "canceled": ("cancel", "", "Cancelled", "Cancelled"),
    "replayed": ("ok", "", "Sent again", "Sent again"),
}
"""Shape, colour, and words for a state that lasts and for one that is over."""


@dataclass(frozen=True)
class Step:
    """A state that a run was in.

    Args:
        shape: Of `Marks.shape`.
        colour: A class; empty for none.
        words: What it does, or did.
        at: When it came there.
        took_ms: For how long it was there; None if it is there.
        lasts: Whether it is there, and will not stay.
        notes: What else is known.
        error: What went wrong, in a line; empty if nothing did.
    """

    shape: str
    colour: str
    words: str
    at: datetime
    took_ms: float | None
    lasts: bool
    notes: Sequence[str]
    error: str


def look_of(state: str) -> tuple[str, str, str]:
    """Shape, colour and word of a state.

    Args:
        state: As lists of jobs and timelines call it.
    """
    return _LOOKS.get(state, ("wait", "", state.capitalize(), ""))[:3]


def _step(span: Span, status: Mapping[str, Any]) -> Step:
    shape, colour, now_is, was = _LOOKS.get(span.state, ("wait", "", span.state.capitalize(), ""))
    return Step(
        shape=shape,
        colour=colour,
        words=was or now_is if span.until else now_is,
        at=span.at,
        took_ms=span.seconds(span.until) * 1000 if span.until else None,
        lasts=span.until is None and not span.is_over_with,
        notes=tuple(_notes(span, status)),
        error=_last_line(span.facts.get("error")),
    )


def _notes(span: Span, status: Mapping[str, Any]) -> Iterator[str]:
    told, held = span.facts, status["heldBy"]
    if told.get("attempt"):
        worker = told.get("worker")
        yield f"attempt {told['attempt']}" + (f" on {worker}" if worker else "")
    yield from filter(None, [told.get("why"), told.get("reason")])
    if span.state == WAITING and span.until is None and held:
        yield f"{held['actor']} paused {held['kind']} {held['name']}"


def _last_line(error: Any) -> str:
    return (str(error or "").strip().splitlines() or [""])[-1][:_SHORT]


@dataclass(frozen=True)
class Watched:
    """A run that is shown in full.

    Args:
        job_id: Its job.
        kind: Its message type; empty if nothing is known of it any more.
        steps: Where it was, oldest first.
        result: What its handler returned, as JSON; empty if that is nothing.
        error: What it failed of, in a line; empty if it has not failed.
        lines: The newest of its log.
    """

    job_id: str
    kind: str = ""
    steps: Sequence[Step] = ()
    result: str = ""
    error: str = ""
    lines: Sequence[LogLine] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return not self.steps or not self.steps[-1].lasts


def watched(job_id: str, *, connection: redis.Redis) -> Watched:
    """A run in full.

    Args:
        job_id: Its job.
        connection: Where.
    """
    try:
        status = get_job_status(job_id, connection=connection)
    except JobNotFound:
        return Watched(job_id)
    return Watched(
        job_id,
        status["messageType"] or "?",
        [_step(span, status) for span in spans_of(status)],
        _as_json(status["result"]),
        _last_line(status["error"]),
        log_lines(get_job_log(job_id, last=_LINES, connection=connection)),
    )


def _as_json(result: Any) -> str:
    text = "" if result is None else json.dumps(result, indent=2, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def others(job_ids: Sequence[str], *, connection: redis.Redis) -> Sequence[JsonDict]:
    """Further runs in a line each, in two round trips; those that are gone are left out.

    Args:
        job_ids: Their jobs.
        connection: Where.

    Returns:
        As `get_jobs` tells them, each with its `look`.
    """
    with storage_errors():
        rows = rows_of([Hit(each) for each in job_ids], Trips(connection))
    return [{**row, "look": look_of(row["state"])} for row in rows]
