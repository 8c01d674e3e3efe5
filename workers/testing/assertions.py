"""What the assertions of the kit check, and what they say when they fail."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, NoReturn, TypeVar

import redis
from typing_extensions import override

from messages import Message
from workers import dead_letters, keys
from workers.dead_letters import DeadLetter
from workers.handle import JobHandle
from workers.testing.clock import at
from workers.testing.runs import Enqueued, Run, described, listing

M = TypeVar("M", bound=Message)

_ROUNDED = timedelta(milliseconds=1)  # a job's history has its delays in whole milliseconds

Which = Message | JobHandle | str
"""A job: its message, its handle or its id."""


@dataclass(frozen=True)
class Wanted(Generic[M]):
    """Which messages count; see `Postroom.assert_enqueued`."""

    kind: type[M]
    where: Callable[[M], bool] | None = None
    queue: str | None = None

    @override
    def __str__(self) -> str:
        place = f" in queue {self.queue}" if self.queue else ""
        condition = " that fits `where`" if self.where else ""
        return f"{self.kind.__name__}{place}{condition}"

    def among(self, sent: Sequence[Enqueued]) -> list[M]:
        """The messages that count.

        Args:
            sent: All that were stored.
        """
        return [
            entry.message
            for entry in sent
            if isinstance(entry.message, self.kind)
            and self.queue in {None, entry.queue}
            and (self.where is None or self.where(entry.message))
        ]


@dataclass(frozen=True)
class History:
    """A job, and its runs in this test."""

    job_id: str
    runs: Sequence[Run]
    connection: redis.Redis

    def with_outcome(self, outcome: str) -> list[Run]:
        """Those of its runs that ended in a certain way."""
        return [run for run in self.runs if run.outcome == outcome]

    def letter(self) -> DeadLetter | None:
        """Its dead letter, if it has one."""
        return dead_letters.find(self.job_id, connection=self.connection)

    @override
    def __str__(self) -> str:
        lines = [described(run) for run in self.runs]
        letter = self.letter()
        if letter is not None and "buried" not in {run.outcome for run in self.runs}:
            lines.append(f"buried before a start: {letter.error} ({letter.reason})")
        return listing("This is what happened to it:", lines, empty=self._why_not_run())

    def _why_not_run(self) -> str:
        record: Any = self.connection.hmget(keys.job(self.job_id), "status", "origin")
        if record[0] is None:
            return "There is no job with this id: was its message enqueued?"
        status, origin = record[0].decode(), record[1].decode()
        due: Any = self.connection.zscore(keys.scheduled(origin), self.job_id)
        when = "" if due is None else f" until {at(due):%Y-%m-%d %H:%M:%S}"
        return (
            f"It has not run: it is {status}{when}. "
            "postroom.drain() runs what is due, postroom.advance(...) moves time."
        )


def job_id_of(job: Which) -> str:
    """The id of a job."""
    if isinstance(job, Message):
        return job.message_id
    return job.id if isinstance(job, JobHandle) else job


def enqueued(sent: Sequence[Enqueued], wanted: Wanted[M], count: int | None) -> list[M]:
    """Check how many messages were stored; see `Postroom.assert_enqueued`."""
    __tracebackhide__ = True
    found = wanted.among(sent)
    if (count is None and found) or len(found) == count:
        return found
    number = "at least one" if count is None else "no" if count == 0 else count
    heading = f"Expected {number} {wanted}, found {len(found)}. Enqueued were:"
    raise AssertionError(
        listing(heading, sent, empty=f"Expected {number} {wanted}; nothing was enqueued.")
    )


def completed(history: History) -> Any:
    """Check that the last run succeeded; see `Postroom.assert_completed`."""
    __tracebackhide__ = True
    if not history.runs or history.runs[-1].outcome != "completed":
        _fail("has not completed", history)
    return history.runs[-1].result


def retried(
    history: History, times: int | None, delay: timedelta | None, match: str | None
) -> None:
    """Check the retries of a job; see `Postroom.assert_retried`."""
    __tracebackhide__ = True
    retries = history.with_outcome("retried")
    if times is not None and len(retries) != times:
        _fail(f"was retried {len(retries)}x, not {times}x", history)
    if times is None and not retries:
        _fail("was not retried", history)
    newest = retries[-1] if retries else None
    if delay is not None and not _is_after(newest, delay):
        _fail(f"was not retried after {delay.total_seconds():g} s", history)
    if match is not None and (newest is None or not re.search(match, newest.error)):
        _fail(f"was not retried for an error that matches {match!r}", history)


def buried(history: History, reason: str | None, match: str | None) -> DeadLetter:
    """Check the dead letter of a job; see `Postroom.assert_buried`."""
    __tracebackhide__ = True
    letter = history.letter()
    if letter is None:
        _fail("has no dead letter", history)
    if reason is not None and letter.reason != reason:
        _fail(f"was buried as {letter.reason!r}, not {reason!r}", history)
    if match is not None and not re.search(match, letter.error):
        _fail(f"was not buried for an error that matches {match!r}", history)
    return letter


def _is_after(retry: Run | None, delay: timedelta) -> bool:
    return retry is not None and retry.delay is not None and abs(retry.delay - delay) <= _ROUNDED


def _fail(what: str, history: History) -> NoReturn:
    __tracebackhide__ = True
    raise AssertionError(f"Job {history.job_id} {what}.\n{history}")
