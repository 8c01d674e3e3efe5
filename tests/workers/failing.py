"""Runs that fail as they do in a child, each under its lease, in the test's own process."""

import time
from dataclasses import replace
from datetime import timedelta

from redis import Redis

from messages import EmailMessage, Message
from tests.workers.takers import Taker
from workers import enqueue, keys
from workers.dispatcher import Dead, RetryAfter
from workers.engine.plain import plain
from workers.engine.rq_endings import RqEndings
from workers.engine.run_message import Ending
from workers.stopping import Stop


class ClosedError(Exception):
    """An error of the application."""


def raised(text: str, kind: type[Exception] = ClosedError) -> Exception:
    """An error with its traceback."""
    try:
        _raise(kind(text))
    except kind as error:
        return error
    return AssertionError("it was raised")


def _raise(error: Exception) -> None:
    raise error


def an_email(number: int = 1) -> EmailMessage:
    return EmailMessage.of(f"ada-{number}@example.com", "Hello", "welcome")


class Failing:
    """Sends messages, and lets their runs fail.

    Args:
        redis: The server.
        queue: The queue.
    """

    def __init__(self, redis: Redis, queue: str = "email") -> None:
        self.redis, self.queue = redis, queue
        self.taker = Taker(redis, queue)
        self.endings = RqEndings(self.taker.leases, self.taker.away)

    def retried(
        self,
        error: Exception,
        *,
        version: str = "v1",
        message: Message | None = None,
        lost: bool = False,
    ):
        """A message whose first attempt failed, and that runs again in an hour; returns its id."""
        ending, sent = self._began(version, message)
        if lost:  # somebody else has it meanwhile
            self.taker.leases.drop(ending.lease)
        outcome = RetryAfter(timedelta(hours=1), error, "resource", "so")
        self.endings.retry(ending, sent, outcome)
        return sent.message_id

    def died(self, error: Exception, *, version: str = "v1", message: Message | None = None):
        """A message that became a dead letter; returns its id."""
        ending, sent = self._began(version, message)
        self.endings.bury(ending, sent, Dead(error, "permanent", "so"))
        return sent.message_id

    def _began(self, version: str, message: Message | None):
        sent = message or an_email()
        enqueue(sent, connection=self.redis, queue=self.queue)
        [lease] = self.taker.lease()
        job = plain(lease.fields, self.queue)
        run = self.taker.messages.start(lease, job, Stop(), now=time.time())
        settings = run.settings.model_copy(update={"code_version": version})
        run.place = replace(run.place, settings=settings)
        return Ending(lease, run, job), sent


def groups(redis: Redis) -> list[str]:
    """The fingerprints that there are, oldest failure first."""
    return [name.decode() for name in redis.zrange(keys.failures(), 0, -1)]
