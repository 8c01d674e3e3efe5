"""Real processes for tests, and the patience to wait for what they do."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import uuid4

import pytest
from redis import Redis

from postroom import watchdog
from postroom.settings import child_environment

T = TypeVar("T")


class Eventually(Protocol):
    """Asks until the answer is true: `eventually(lambda: row.exists(), within=5)` returns it."""

    def __call__(self, answer: Callable[[], T], *, within: float = 10.0) -> T: ...


def ask_until_true(answer: Callable[[], T], *, within: float = 10.0) -> T:
    deadline = time.monotonic() + within
    while not (value := answer()):
        assert time.monotonic() < deadline, f"not within {within} s, last answer: {value!r}"
        time.sleep(0.01)
    return value


def own_keys(client: "Redis[bytes]") -> list[bytes]:
    """The keys of this test process: all, or on a server that is not ours those with its prefix."""
    # rq reads its prefix when it is first imported, and conftest chooses it after this file.
    chosen = os.environ.get("RQ_KEY_PREFIX")
    prefix = f"{chosen}:" if chosen else ""
    return sorted(client.scan_iter(f"{prefix}*", count=1_000))


@dataclass(frozen=True)
class StartedProcess:
    """A process of a test; `pid` is the program's own."""

    popen: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def output(self) -> str:
        """What it wrote so far, to both outputs."""
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, *, within: float = 10.0) -> str:
        """Wait until it has written a text; returns all it wrote."""
        try:
            ask_until_true(lambda: text in self.output(), within=within)
        except AssertionError:
            pytest.fail(f"{text!r} not within {within} s in:\n{self.output()}")
        return self.output()

    def end(self, number: int = signal.SIGTERM, *, within: float = 15.0) -> int:
        """Send a signal and wait for its end; returns its exit code, negative for a signal."""
        self.popen.send_signal(number)
        return self.popen.wait(within)


class StartProcess(Protocol):
    """Starts a program that ends, with all its descendants, when the test does.

    A name without a slash is looked for in the virtualenv first.
    """

    def __call__(
        self,
        *arguments: str | Path,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        stdin: int | None = subprocess.DEVNULL,
    ) -> StartedProcess: ...


@dataclass(frozen=True)
class Started:
    """The processes of one test."""

    folder: Path
    mark: str = field(default_factory=lambda: f"POSTROOM_TEST_{uuid4().hex}")
    processes: list[StartedProcess] = field(default_factory=list)

    def start(
        self,
        *arguments: str | Path,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        stdin: int | None = subprocess.DEVNULL,
    ) -> StartedProcess:
        environment = child_environment((env or {}) | {self.mark: "1"})
        words = [str(argument) for argument in arguments]
        words[0] = shutil.which(words[0], path=environment["PATH"]) or words[0]
        log = self.folder / f"process-{len(self.processes)}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                words,
                stdin=stdin,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )
        self.processes.append(StartedProcess(popen, log))
        return self.processes[-1]

    def end(self) -> None:
        watchdog.end_marked(self.mark, grace_seconds=3.0)
        for process in self.processes:
            process.popen.wait(5)
            if process.popen.stdin is not None:
                process.popen.stdin.close()
