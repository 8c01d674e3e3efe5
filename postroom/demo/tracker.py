"""Sends messages and keeps, for each, what was last found of it."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from redis import Redis

from handlers.parts.database import snapshot
from postroom.demo.effects import Finding, Mails, Places
from postroom.demo.traffic import Expected
from workers import Settings, enqueue, publish

_KEPT = 1_000  # a demo may run for days


@dataclass(frozen=True)
class Seen:
    """A message and what was last found of it."""

    expected: Expected
    finding: Finding
    at: datetime

    @property
    def id(self) -> str:
        """The message's id, which is the job's."""
        return self.expected.message.message_id

    @property
    def has_ended(self) -> bool:
        """Whether there is an effect or a dead letter."""
        return self.finding.state != "waiting"

    @property
    def is_right(self) -> bool:
        """Whether it ended as it should, by the way it should."""
        return self.has_ended and not self.complaint

    @property
    def complaint(self) -> str:
        """What is not as it should be, in words; empty if nothing is."""
        expected, finding = self.expected, self.finding
        if finding.state == "waiting":
            return "no effect was found"
        if finding.state != expected.ends:
            return f"should have ended {expected.ends}"
        if expected.reason not in {None, finding.reason}:
            return f"the dead letter's reason is {finding.reason}, not {expected.reason}"
        wanted = expected.retried_for
        if wanted and not any(wanted in retry.error for retry in finding.retries):
            return f"no attempt failed with {wanted}"
        return ""


@dataclass
class Totals:
    """How the messages of one type ended, by their effects."""

    done: int = 0
    dead: int = 0
    retried: int = 0


@dataclass
class Tracker:
    """The messages of one run.

    Args:
        redis: Where messages are sent, and results are looked for.
        settings: The engine's.
        mails: What the mail server has stored.
    """

    redis: Redis
    settings: Settings
    mails: Mails
    waiting: dict[str, Seen] = field(default_factory=dict)
    ended: deque[Seen] = field(default_factory=lambda: deque(maxlen=_KEPT))
    totals: defaultdict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))

    def send(self, expected: Expected) -> None:
        """Send a message by its lane."""
        message = expected.message
        if expected.lane == "stream":
            publish(message, connection=self.redis, settings=self.settings)
        else:
            enqueue(message, connection=self.redis, settings=self.settings)
        self.waiting[message.message_id] = Seen(expected, Finding(), datetime.now(UTC))

    def look(self) -> Iterator[Seen]:
        """Look for every effect that is still missing, and send what follows one.

        Yields:
            What has ended since the last call.
        """
        with snapshot() as session:
            places = Places(session, self.redis, self.mails)
            found = [
                Seen(seen.expected, places.look(seen.expected.message), datetime.now(UTC))
                for seen in self.waiting.values()
            ]
        for seen in found:
            self.waiting[seen.id] = seen
            if seen.has_ended:
                self._end(seen)
                yield seen

    def _end(self, seen: Seen) -> None:
        del self.waiting[seen.id]
        self.ended.append(seen)
        totals = self.totals[seen.expected.message.message_type]
        totals.done += seen.finding.state == "done"
        totals.dead += seen.finding.state == "dead"
        totals.retried += bool(seen.finding.retries)
        if seen.is_right and seen.expected.then is not None:
            self.send(seen.expected.then())
