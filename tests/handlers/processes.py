"""Real processes that run handlers, and one that kills itself at a chosen moment.

They are forked from a server process that has imported everything, so starting one costs
milliseconds.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Barrier
from typing import Any, Literal

from sqlalchemy import event
from sqlalchemy.orm import Session

from handlers.parts.database import close_database
from handlers.parts.settings import handler_settings
from messages import Message, parse_message
from workers import Completed
from workers.loading import load_packages
from workers.testing import in_memory

load_packages(["handlers"])
with in_memory():
    pass  # its server reads a table of all commands once: here, and not in every process

FORKS = multiprocessing.get_context("forkserver")
_DATABASES = ("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql", "psycopg")
FORKS.set_forkserver_preload(["__main__", __name__, *_DATABASES])

_WAIT_SECONDS = 20.0
_NAMES = (
    "DATABASE_",
    "MAIL",
    "SMTP_",
    "BACKUP_",
    "ROBO_",
    "NOTIFY_",
    "NO_PROXY",
    "BUILD_",
    "IMAGE_",
    "THUMBNAIL_",
)


@dataclass(frozen=True)
class Kill:
    """Die by SIGKILL just before, or just after, the nth commit."""

    moment: Literal["before_commit", "after_commit"]
    number: int

    def arm(self) -> None:
        commits = 0

        def count(_: Session) -> None:
            nonlocal commits
            commits += 1
            if commits == self.number:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Session, self.moment, count)


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, and what the handler returned or raised."""

    code: int
    result: Any

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Crew:
    """Starts processes that run one message each."""

    def run(self, message: Message, *, kill: Kill | None = None) -> Ended:
        """Run a message in a process of its own."""
        started = self._start(message, kill=kill)
        return _ended(*started)

    def kill_after(self, wait: Callable[[], object], message: Message) -> Ended:
        """Run a message in a process of its own, and kill that after waiting for something."""
        process, ours = self._start(message)
        wait()
        process.kill()
        return _ended(process, ours)

    def run_together(self, messages: Sequence[Message]) -> list[Ended]:
        """Run messages in as many processes, which begin at the same moment."""
        barrier = FORKS.Barrier(len(messages))
        started = [self._start(message, barrier=barrier) for message in messages]
        return [_ended(*each) for each in started]

    def _start(
        self, message: Message, *, kill: Kill | None = None, barrier: Barrier | None = None
    ) -> tuple[ForkServerProcess, Connection]:
        ours, theirs = FORKS.Pipe(duplex=False)
        environment = {name: os.environ[name] for name in os.environ if name.startswith(_NAMES)}
        process = FORKS.Process(
            target=_run, args=(message.to_json(), environment, kill, barrier, theirs)
        )
        process.start()
        theirs.close()
        return process, ours


def _ended(process: ForkServerProcess, ours: Connection) -> Ended:
    result = None
    with ours:
        if ours.poll(_WAIT_SECONDS):
            try:
                result = ours.recv()
            except EOFError:
                result = None
        else:
            process.kill()
    process.join(_WAIT_SECONDS)
    code = process.exitcode
    process.close()
    assert code is not None
    return Ended(code, result)


def _run(
    message: bytes,
    environment: dict[str, str],
    kill: Kill | None,
    barrier: Barrier | None,
    answer: Connection,
) -> None:
    os.environ.update(environment)
    handler_settings.cache_clear()
    if kill is not None:
        kill.arm()
    if barrier is not None:
        barrier.wait(_WAIT_SECONDS)
    with in_memory() as postroom:
        outcome = postroom.perform(parse_message(message))
    answer.send(outcome.result if isinstance(outcome, Completed) else outcome.error)
    close_database()
