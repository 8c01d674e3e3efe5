"""What happened in a test, as its assertions show it: which messages were enqueued, what ran."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import redis
from rq.job import Job
from rq.serializers import JSONSerializer
from typing_extensions import override

from messages import InvalidMessage, Message, parse_message
from workers import keys
from workers.jobs import envelope_of
from workers.routing import queue_of

OutcomeName = Literal["completed", "retried", "buried", "crashed", "handed_back"]


@dataclass(frozen=True)
class Run:
    """One start of one job, and what came of it.

    Args:
        job_id: The job's id; the message's too.
        message: What was handled; None if it could not be read.
        queue: Where it was taken from.
        attempt: Which attempt it was, from 1.
        at: When, by the clock of the test.
        outcome: `handed_back` means that the type has no handler here.
        result: What the handler returned, if it completed.
        error: What went wrong, if something did.
        traceback: Where.
        why: The reason of the retry or the burial.
        delay: The pause before the next attempt, if there will be one.
    """

    job_id: str
    message: Message | None
    queue: str
    attempt: int
    at: datetime
    outcome: OutcomeName
    result: Any = None
    error: str = ""
    traceback: str = field(default="", repr=False)
    why: str = ""
    delay: timedelta | None = None


@dataclass(frozen=True)
class Enqueued:
    """A message that was stored, and the queue it went to."""

    message: Message
    queue: str

    @override
    def __str__(self) -> str:
        return f"{self.message.message_type} in queue {self.queue}: {self.message.data!r}"


@dataclass
class Sent:
    """All messages that were stored in a test, in the order of sending.

    Args:
        connection: The server in memory.
    """

    connection: redis.Redis
    _known: dict[str, Enqueued | None] = field(default_factory=dict)

    def look(self) -> None:
        """Note what is new. To be called before records can go: they expire and are trimmed."""
        # The server in memory keeps keys in the order in which they were made.
        found: Any = self.connection.keys(f"{keys.job_prefix()}*")
        new = [job_id for job_id in map(_job_id, found) if job_id and job_id not in self._known]
        jobs = Job.fetch_many(new, connection=self.connection, serializer=JSONSerializer)
        self._known.update(zip(new, map(_enqueued, jobs), strict=True))

    def messages(self) -> Sequence[Enqueued]:
        """What was sent so far; jobs that carry no message are left out."""
        self.look()
        return tuple(entry for entry in self._known.values() if entry is not None)

    def queues(self, order: Sequence[str]) -> Sequence[str]:
        """The queues that were ever used.

        Args:
            order: Those that come first.
        """
        members: Any = self.connection.smembers(keys.queues())
        used = {queue_of(key.decode().removeprefix(keys.queue(""))) for key in members}
        return (*(name for name in order if name in used), *sorted(used.difference(order)))


def readable(envelope: Any) -> Message | None:
    """The message in a job's record.

    Args:
        envelope: What stands there.

    Returns:
        The message; None if there is none.
    """
    if not isinstance(envelope, Mapping):
        return None
    try:
        return parse_message(envelope)
    except InvalidMessage:
        return None


def listing(heading: str, lines: Iterable[object], *, empty: str) -> str:
    """A list for the text of a failed assertion.

    Args:
        heading: What stands above it.
        lines: One entry each.
        empty: What it says when there are none.
    """
    entries = [f"  {line}" for line in lines]
    return "\n".join([heading, *entries]) if entries else empty


def described(run: Run) -> str:
    """A run in a line, with what its handler raised below it."""
    wait = "" if run.delay is None else f", again after {run.delay.total_seconds():g} s"
    why = f" ({run.why})" if run.why else ""
    error = f": {run.error}" if run.error else ""
    text = f"attempt {run.attempt} at {run.at:%Y-%m-%d %H:%M:%S}: {run.outcome}{error}{why}{wait}"
    return "\n    ".join([text, *run.traceback.splitlines()])


def _job_id(key: bytes) -> str | None:
    name = key.decode().removeprefix(keys.job_prefix())
    # RQ's sets of relatives begin like the job they belong to.
    return None if name.endswith((":dependents", ":dependencies")) else name


def _enqueued(job: Job | None) -> Enqueued | None:
    message = None if job is None else readable(envelope_of(job))
    return None if job is None or message is None else Enqueued(message, queue_of(job.origin))
