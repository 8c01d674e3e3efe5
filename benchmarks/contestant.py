"""A measured process, seen from the bench: started once, idle unless it has the word."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.arithmetic import Usage
from benchmarks.errors import BenchFailed
from benchmarks.plan import MOST_ENTRIES, Row

_ROOT = Path(__file__).parents[1]
_END_SECONDS = 10.0
_HANDLER = "benchmarks.handler"  # the same in all rows: it does nothing

Order = Literal["fill", "drain", "count"]


@dataclass(frozen=True)
class Contestant:
    """One row's process.

    Args:
        row: What it runs.
        log: Where its log goes.
        process: The program; it reads orders and writes answers.
    """

    row: Row
    log: Path
    process: "subprocess.Popen[str]"

    def described(self) -> dict[str, Any]:
        """Its settings. To be read once, before the first order: it waits for the start."""
        return self._answer()

    def fill(self, jobs: int, url: str) -> None:
        """Have it store messages.

        Args:
            jobs: How many.
            url: The server.
        """
        self._do("fill", jobs, url)

    def drain(self, jobs: int, url: str) -> Usage:
        """Have it handle them.

        Args:
            jobs: How many are stored.
            url: The server, or a proxy in front of it.
        """
        return Usage(**self._do("drain", jobs, url))

    def check(self, jobs: int, url: str) -> None:
        """Make sure that every message was handled.

        Args:
            jobs: How many were stored.
            url: The server.

        Raises:
            BenchFailed: If one was not.
        """
        self.check_handled(self._do("count", jobs, url)["handled"], jobs)

    def check_handled(self, handled: int, jobs: int) -> None:
        """Make sure of it where somebody else has counted.

        Args:
            handled: How many messages were handled.
            jobs: How many were stored.

        Raises:
            BenchFailed: If that is not the same.
        """
        if handled != jobs:
            raise self._failed(f"handled {handled} of {jobs} messages")

    def _do(self, order: Order, jobs: int, url: str) -> dict[str, Any]:
        assert self.process.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(BrokenPipeError):  # it has ended, so there is no answer either
            self.process.stdin.write(json.dumps({"do": order, "jobs": jobs, "url": url}) + "\n")
            self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = self.process.stdout.readline()
        if not line:
            raise self._failed("ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failed(self, what: str) -> BenchFailed:
        last = self.log.read_text(errors="replace").splitlines()[-1:] or ["nothing"]
        return BenchFailed(
            f"The worker of row {self.row.name!r} {what}; the last line of its log is: {last[0]}",
            field="--rows",
            remedy="Mend that worker, or leave its row out with --rows.",
        )


@contextmanager
def started(row: Row, url: str, folder: Path) -> Iterator[Contestant]:
    """A row's process for as long as the block runs.

    Args:
        row: What to run.
        url: The server.
        folder: Its home and working folder, where its log is kept too.

    Yields:
        The process, which is still loading the application.
    """
    log = folder / f"{row.name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "benchmarks.program", row.kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            cwd=folder,
            env=environment(row, url, folder),
            start_new_session=True,  # Ctrl-C is for the bench, which then ends this one
        )
    try:
        yield Contestant(row, log, process)
    finally:
        _end(process)


def environment(row: Row, url: str, folder: Path) -> dict[str, str]:
    """The variables of a measured process.

    Args:
        row: What it runs.
        url: The server.
        folder: Its home.
    """
    # Nothing of the surroundings, so that all rows run with the defaults and what is shown.
    own = {"PATH": os.defpath, "PYTHONPATH": str(_ROOT), "HOME": str(folder), "LANG": "C.UTF-8"}
    needed = {
        "REDIS_URL": url,
        "DATA_DIR": str(folder),
        "HANDLER_PACKAGES": _HANDLER,
        "STREAM_LIMIT": str(2 * MOST_ENTRIES),  # all is published before anything is read
    }
    return own | needed | dict(row.variables)


def _end(process: "subprocess.Popen[str]") -> None:
    # Closing standard input ends it; one that hangs in a drain is not waited for.
    with suppress(BrokenPipeError), process:
        try:
            process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
