"""What lists show of jobs beside their state: what they carry, their attempts, what comes next."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from messages import message_types
from messages.masking import masked
from monitoring.answers import as_moment, as_text
from monitoring.board.wording import short
from monitoring.queues.snapshot import queue_lists
from monitoring.words import first_line
from workers import keys
from workers.connection import storage_errors
from workers.dead_letters.letter import letter_of
from workers.engine.ends import salvaged
from workers.indexing import indexed_fields
from workers.published import PublishedHandler, published
from workers.redaction import redacted

JsonDict = dict[str, Any]

LOOKS: Mapping[str, tuple[str, str, str]] = {
    "": ("All states", "", ""),
    "waiting": ("Waiting", "wait", ""),
    "held": ("Held back", "pause", "hold"),
    "active": ("Active", "run", "run"),
    "delayed": ("Delayed", "delay", "hold"),
    "backing_off": ("Backing off", "delay", "hold"),
    "scheduled": ("Scheduled", "delay", "hold"),
    "deferred": ("Waits for others", "wait", "hold"),
    "completed": ("Succeeded", "ok", "ok"),
    "failed": ("Dead letter", "dead", "bad"),
    "stopped": ("Stopped", "cancel", "bad"),
    "canceled": ("Cancelled", "cancel", ""),
    "replayed": ("Sent again", "ok", ""),
}
"""What the states of jobs look like: the word, the shape, and the colour."""

_SHOWN = 2  # values of a message that say what it is
_LONGEST = 60  # characters of one of them
_LONGEST_ERROR = 160


@dataclass(frozen=True)
class JobRow:
    """A job in a list.

    Args:
        job: As lists tell it: `jobId`, `messageType`, `queue`, `state`, `status` and times.
        state: One of `LOOKS`.
        what: What it is about: names and values of its message, without secrets.
        error: The first line of how it failed last; empty if it has not.
        attempt: Which attempt it is at, from 1; 0 if that is not known.
        most: How many attempts it has; 0 if that is not known.
        next: When it starts; None if that is not settled.
    """

    job: Mapping[str, Any]
    state: str
    what: Sequence[tuple[str, str]]
    error: str
    attempt: int
    most: int
    next: datetime | None

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self.job["jobId"])

    @property
    def short(self) -> str:
        """The end of its id, which differs where many were sent at once."""
        return short(self.id)


@dataclass(frozen=True)
class _Read:
    """What Redis has of a job."""

    record: Mapping[bytes, bytes]
    letter: bytes | None
    last: bytes | None
    due: datetime | None


def read_rows(jobs: Sequence[JsonDict], *, connection: redis.Redis) -> Sequence[JobRow]:
    """What a list shows, in two round trips.

    Args:
        jobs: As lists tell them.
        connection: Where.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    if not jobs:
        return ()
    with storage_errors():
        handlers = {each.message_type: each for each in published(connection=connection)}
        found = _read(jobs, connection)
    return [_row(job, read, handlers) for job, read in zip(jobs, found, strict=True)]


def _read(jobs: Sequence[JsonDict], connection: redis.Redis) -> Sequence[_Read]:
    with connection.pipeline(transaction=False) as pipe:
        for job in jobs:
            job_id, is_dead = job["jobId"], job["state"] == "failed"
            pipe.hmget(keys.job(job_id), ["data", "meta"])
            pipe.get(keys.dead_letter(job_id)) if is_dead else pipe.echo("")
            pipe.lindex(keys.attempts(job_id), -1)
            for name in queue_lists(job["queue"]):
                pipe.zscore(keys.scheduled(name), job_id)
        answers = iter(pipe.execute(raise_on_error=False))
    return [_of_answers(job, answers) for job in jobs]


def _of_answers(job: JsonDict, answers: Any) -> _Read:
    record, letter, last = (_sound(next(answers)) for _ in range(3))
    scores = [_sound(next(answers)) for _ in queue_lists(job["queue"])]
    values = dict(zip((b"data", b"meta"), record or (), strict=False))
    return _Read(
        record={name: value for name, value in values.items() if value is not None},
        letter=letter or None,
        last=last,
        due=next((as_moment(score) for score in scores if score is not None), None),
    )


def _sound(answer: Any) -> Any:
    # A key may hold what is none of ours.
    return None if isinstance(answer, Exception) else answer


def _row(job: JsonDict, read: _Read, handlers: Mapping[str, PublishedHandler]) -> JobRow:
    letter = letter_of(read.letter) if read.letter else None
    past = letter.attempts[-1:] if letter else _attempt(read.last)
    failures = _failures(past[0]) if past else 0
    envelope = salvaged(read.record) if b"data" in read.record else None
    if not isinstance(envelope, Mapping) or "messageType" not in envelope:
        envelope = letter.envelope if letter else None
    handler = handlers.get(job["messageType"] or "")
    is_at_rest = job["state"] in {"failed", "replayed"}
    was_stopped = job["status"] == "stopped"  # in an attempt that no record tells of
    return JobRow(
        job=job,
        state=told_state(job["state"], job["status"], failures),
        what=summary_of(envelope),
        error=first_line(letter.error if letter else _error(past))[:_LONGEST_ERROR],
        attempt=failures if is_at_rest and not was_stopped else failures + 1,
        most=_chosen(read.record) or (handler.max_attempts if handler else 0),
        next=read.due,
    )


def told_state(state: str, status: str, failures: int) -> str:
    """What people call a state.

    Args:
        state: As lists name it.
        status: RQ's word.
        failures: Attempts that did not succeed.
    """
    if state == "delayed":
        return "backing_off" if failures else "scheduled"
    if status == "stopped":
        return "stopped"
    return state


def summary_of(envelope: Any) -> Sequence[tuple[str, str]]:
    """What a message is about: the fields that it is searched by, else the first ones.

    Args:
        envelope: As it is stored; anything that is no message has no summary.

    Returns:
        Names on the wire and values, without secrets; up to two.
    """
    shown = masked(envelope) if isinstance(envelope, Mapping) else {}
    data = shown.get("data")
    if not isinstance(data, Mapping):
        return ()
    plain = {
        str(name): redacted(_text(value))[:_LONGEST]
        for name, value in data.items()
        if value is not None and value != "" and not isinstance(value, dict | list)
    }
    first = [name for name in _indexed(shown.get("messageType")) if name in plain]
    others = [name for name in plain if name not in first]
    return [(name, plain[name]) for name in (*first, *others)[:_SHOWN]]


def _indexed(kind: Any) -> Sequence[str]:
    message = message_types().get(kind) if isinstance(kind, str) else None
    if message is None:
        return ()
    payload: Any = message.model_fields["data"].annotation
    fields = payload.model_fields
    return [fields[name].alias or name for name in indexed_fields(payload)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _attempt(last: bytes | None) -> Sequence[Mapping[str, Any]]:
    try:
        told = json.loads(last) if last else None
    except ValueError:
        return ()
    return (told,) if isinstance(told, dict) else ()


def _failures(last: Mapping[str, Any]) -> int:
    """How many attempts were used up, by the last one that did not succeed."""
    number = last.get("number")
    counts = last.get("outcome") in {"retried", "dead"}
    return number - (not counts) if isinstance(number, int) else 0


def _error(past: Sequence[Mapping[str, Any]]) -> str:
    return str(past[0].get("error") or "") if past else ""


def _chosen(record: Mapping[bytes, bytes]) -> int:
    try:
        found = json.loads(as_text(record.get(b"meta", b"{}"))).get("attempts")
    except (ValueError, AttributeError):
        return 0
    return found if isinstance(found, int) else 0
