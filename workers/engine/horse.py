"""One child as its worker sees it: a process that runs, is looked at, asked to stop, or killed."""

import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from workers.engine.page import Page
from workers.engine.parent import die_with_parent
from workers.logger import get_logger

log = get_logger("postroom.worker")

_LOOK_EVERY = 0.05  # seconds, where the system cannot say that a process ended


class Woken(Exception):
    """The worker wants its child to look up."""


@dataclass
class Horse:
    """A living child.

    Args:
        pid: Its process.
        holder: Under which name it holds leases.
        page: What it shares with its worker.
    """

    pid: int
    holder: str
    page: Page
    born: float = field(default_factory=time.monotonic)
    seen_mb: float = field(default=0.0, init=False)
    """The resident memory that it had when somebody looked last; of a dead one nobody can tell."""
    _ended: int | None = field(default=None, init=False)
    _handle: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Get a handle by which the system tells the end of the process, if it has such."""
        with suppress(AttributeError, OSError):
            self._handle = os.pidfd_open(self.pid)

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.born

    def wait(self, seconds: float) -> int | None:
        """Wait for its end.

        Args:
            seconds: How long at most.

        Returns:
            Its exit code, negative for the signal that ended it; None while it lives.
        """
        if self._handle is not None:
            select.select([self._handle], [], [], seconds)
        elif self._poll() is None:
            time.sleep(min(seconds, _LOOK_EVERY))
        return self._poll()

    def wake(self) -> None:
        """Let it look up now, whatever it does; before it listens the signal would be its end."""
        if self.page.listens:
            self._signal(signal.SIGUSR1)

    def kill(self) -> None:
        """End it, and what it has started in its process group, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._signal(signal.SIGKILL)

    def memory_mb(self) -> float:
        """Its resident memory in megabytes; 0 where the system does not tell."""
        with suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            found = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            self.seen_mb = found or self.seen_mb  # one that has ended and was not waited for has 0
            return found
        return 0.0

    def cpu_seconds(self) -> float:
        """The time it has used on processors; 0 where the system does not tell."""
        with suppress(OSError, ValueError, IndexError):
            text = Path(f"/proc/{self.pid}/stat").read_text()
            user, system = text.rpartition(")")[2].split()[11:13]
            return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def _signal(self, number: int) -> None:
        if self._ended is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _poll(self) -> int | None:
        if self._ended is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self._ended = os.waitstatus_to_exitcode(status)
                if self._handle is not None:
                    os.close(self._handle)
                    self._handle = None
        return self._ended


def fork(run: Callable[[], int]) -> int:
    """Start a child as a copy of this process.

    Args:
        run: What it does; returns its exit code.

    Returns:
        The process.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        live(run, parent)
    return pid


def live(run: Callable[[], int], parent: int) -> NoReturn:
    """Be a child, to the end.

    Args:
        run: What to do.
        parent: The process that must be alive.
    """
    code = 1
    try:
        os.setpgrp()
        die_with_parent()
        if os.getppid() == parent:  # else it died before it could be a condition
            _listen()
            random.seed()
            code = run()
    except BaseException:
        log.exception("child_failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


_may_be_woken = False


def _nothing() -> None:
    """There is nothing to look up for."""


_look_up: Callable[[], None] = _nothing


def looks_up(to: Callable[[], None]) -> None:
    """Say what this child does when its worker wants it to look up while it does not wait.

    Args:
        to: Called in the main thread, between any two steps of its code.
    """
    global _look_up  # noqa: PLW0603 - what a signal's handler calls
    _look_up = to


def waken(sure: bool) -> None:  # noqa: FBT001 - one switch
    """Say whether a signal of the worker may interrupt what this child does.

    Args:
        sure: Whether it only waits.
    """
    global _may_be_woken  # noqa: PLW0603 - what a signal's handler looks at
    _may_be_woken = sure


def _listen() -> None:
    # Functions and not SIG_IGN, which programs that a handler starts would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGUSR1, _wake)


def _wake(*_: object) -> None:
    if _may_be_woken:
        raise Woken
    _look_up()
