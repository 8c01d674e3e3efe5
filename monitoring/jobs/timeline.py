"""What became of a job, as spans on a true clock: where it stood, from when to when. Pure.

Of the times before its first run a job that ran more than once keeps only the first, so what it
was delayed for then counts as waiting. A run that ended with its process within half a second
begins when that was noticed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.answers import shown_time

JsonDict = dict[str, Any]

ACTIVE, BACKING_OFF, WAITING, FAILED, REPLAYED = (
    "active",
    "backing off",
    "waiting",
    "failed",
    "replayed",
)
_ENDED = {
    "finished": "completed",
    "failed": FAILED,
    "stopped": "stopped",
    "canceled": "canceled",
}
"""RQ's words for jobs that are over, and ours."""
_NOT_YET = {"scheduled": "delayed", "deferred": "deferred"}
"""The same for jobs that stand in no list yet."""
_NEXT = {"retried": WAITING, "handed_back": WAITING, "crashed": WAITING, "dead": FAILED}
"""What comes after a run that was not the end of its job, by its outcome."""
_LONGEST = 1e12  # of milliseconds: thirty years
_SENT_AT_ONCE = timedelta(seconds=0.5)  # between RQ's two times of a job that was not delayed


@dataclass(frozen=True)
class Span:
    """A job in one state.

    Args:
        state: Such as `waiting`.
        at: When it came there.
        until: When it left; None if it is there.
        facts: What else is known, by its name in JSON.
    """

    state: str
    at: datetime
    until: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over_with(self) -> bool:
        """Whether the job stays in that state for good, so that no time of it counts."""
        return self.state in _ENDED.values() or self.state == REPLAYED

    def seconds(self, now: datetime) -> float:
        """How long it was there, or has been so far."""
        return max(((self.until or now) - self.at).total_seconds(), 0.0)

    def told(self) -> JsonDict:
        """The span as JSON."""
        return {
            "state": self.state,
            "at": shown_time(self.at),
            "until": shown_time(self.until) if self.until else None,
            "durationMs": round(self.seconds(self.until) * 1000) if self.until else None,
            **self.facts,
        }


@dataclass(frozen=True)
class _Run:
    at: datetime
    until: datetime | None
    attempt: Mapping[str, Any]

    @property
    def back_off(self) -> timedelta:
        return timedelta(seconds=_number(self.attempt.get("delaySeconds")) or 0)

    @property
    def facts(self) -> JsonDict:
        told = {name: self.attempt.get(name) for name in ("outcome", "worker", "error")}
        return {"attempt": self.attempt.get("number"), **told}

    @property
    def decision(self) -> JsonDict:
        if not self.back_off:
            return {}
        return {name: self.attempt.get(name) or None for name in ("delaySeconds", "tier", "why")}


def spans_of(status: Mapping[str, Any]) -> Sequence[Span]:
    """Where a job stood, oldest first; each span begins where the one before it ends.

    Args:
        status: As `get_job_status` returns it.
    """
    found: list[Span] = []
    for next_one in _begins(status):
        if found and found[-1].state == next_one.state != ACTIVE:
            found[-1] = replace(found[-1], facts={**found[-1].facts, **next_one.facts})
            continue
        at = max(next_one.at, found[-1].at) if found else next_one.at
        if found:
            found[-1] = replace(found[-1], until=at)
        found.append(Span(next_one.state, at, None, next_one.facts))
    return found


def time_by_state(spans: Sequence[Span], *, now: datetime) -> Sequence[JsonDict]:
    """How often a job came into each state, and how long it was there.

    Args:
        spans: Of the job.
        now: Up to when the present state counts.

    Returns:
        `state`, `count`, `totalMs` (None for one in which it stays) and `isPresent`, in the order
        in which the job first came there.
    """
    together: dict[str, list[Span]] = {}
    for span in spans:
        together.setdefault(span.state, []).append(span)
    return [
        {
            "state": state,
            "count": len(of_state),
            "totalMs": _total_ms(of_state, now),
            "isPresent": of_state[-1] is spans[-1],
        }
        for state, of_state in together.items()
    ]


def _total_ms(spans: Sequence[Span], now: datetime) -> int | None:
    counted = [span for span in spans if span.until or not span.is_over_with]
    return round(sum(span.seconds(now) for span in counted) * 1000) if counted else None


def _begins(status: Mapping[str, Any]) -> Iterator[Span]:
    """Each state as it begins."""
    runs = _runs(status)
    yield from _before(status, runs)
    for index, run in enumerate(runs):
        yield Span(ACTIVE, run.at, None, run.facts)
        if run.until is not None:
            later = runs[index + 1].at if index + 1 < len(runs) else None
            yield from _after(run, run.until, later, status)
    yield from _end(status, runs)


def _before(status: Mapping[str, Any], runs: Sequence[_Run]) -> Iterator[Span]:
    sent, queued = _time(status["createdAt"]), _time(status["enqueuedAt"])
    if sent is None or (runs and (_number(runs[0].attempt.get("number")) or 1) > 1):
        return  # what was before the oldest attempt that is kept is not known
    if queued is None or (runs and queued > runs[0].at):  # it was put into a list again since
        yield Span(WAITING, sent)
        return
    not_yet = "deferred" if status["dependsOn"] else "delayed"
    if status["status"] in _NOT_YET and not runs:
        yield Span(_NOT_YET[status["status"]], sent)
        return
    if queued - sent > _SENT_AT_ONCE:
        yield Span(not_yet, sent)
    yield Span(WAITING, queued)


def _after(
    run: _Run, end: datetime, later: datetime | None, status: Mapping[str, Any]
) -> Iterator[Span]:
    """What a run was followed by, up to the next one."""
    outcome = str(run.attempt.get("outcome"))
    is_buried = outcome == "crashed" and later is None and status["status"] == "failed"
    state = FAILED if is_buried else _NEXT.get(outcome)
    if state is None:
        return
    yield Span(BACKING_OFF if run.back_off else state, end, None, run.decision)
    queued = _time(status["enqueuedAt"])
    # One of the same millisecond as the run's begin is from before it.
    is_since = queued is not None and queued > run.at and queued >= end
    if queued is not None and is_since and (later is None or queued <= later):
        yield Span(WAITING, queued)  # the job keeps the last such time only
    elif run.back_off and later is not None:
        yield Span(WAITING, min(end + run.back_off, later))


def _end(status: Mapping[str, Any], runs: Sequence[_Run]) -> Iterator[Span]:
    last = runs[-1].until or runs[-1].at if runs else None
    at = _time(status["endedAt"]) or last
    if status["status"] in _ENDED and at is not None:
        facts = {"reason": status["reason"]} if status["reason"] else {}
        yield Span(_ENDED[status["status"]], at, None, facts)
    if status["replayedAs"] and (at := _time(status["replayedAt"]) or at):
        facts = {"jobId": status["replayedAs"], "by": status["replayedBy"]}
        yield Span(REPLAYED, at, None, facts)


def _runs(status: Mapping[str, Any]) -> Sequence[_Run]:
    found = [
        _Run(at, _run_end(at, attempt), attempt)
        for attempt in status["attempts"]
        if (at := _time(attempt.get("startedAt"))) is not None
    ]
    return [*found, *_untold_run(status, found)]


def _untold_run(status: Mapping[str, Any], told: Sequence[_Run]) -> Iterator[_Run]:
    """The run of a job that was stopped, or that stock code failed: no attempt tells of it."""
    at, until = _time(status["startedAt"]), _time(status["endedAt"])
    is_one = status["status"] == "stopped" or (status["status"] == "failed" and not told)
    if is_one and at and until and until > at and not (told and at <= told[-1].at):
        number = sum(run.attempt.get("outcome") in ("retried", "dead") for run in told) + 1
        facts = {"number": number, "outcome": status["status"], "worker": status["worker"]}
        yield _Run(at, until, facts)


def _run_end(at: datetime, attempt: Mapping[str, Any]) -> datetime | None:
    took = _number(attempt.get("durationMs"))
    return None if took is None else at + timedelta(milliseconds=took)


def _time(text: Any) -> datetime | None:
    try:
        told = datetime.fromisoformat(text)
    except (TypeError, ValueError):  # none, or somebody imported a letter that has another
        return None
    return told.replace(tzinfo=told.tzinfo or UTC)


def _number(value: Any) -> float | None:
    """A count as a worker writes it; an imported letter may have anything in its place."""
    is_one = isinstance(value, int | float) and 0 <= value < _LONGEST
    return value if is_one else None
