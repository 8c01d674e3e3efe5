"""Real `rq` and `postroom` processes without the second that loading them takes.

They are forked from a process that has loaded them: see tests/faults/nursery.
What runs is the same command line in a process of its own, with a session, variables and outputs
of its own; only the imports are done already.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from typing_extensions import override

from postroom.settings import child_environment
from tests.faults.nursery import ROOT, Nursery, code_file
from tests.processes import Started, StartedProcess

_LOOK_EVERY = 0.005  # seconds


class WarmProcess:
    """What a test uses of `subprocess.Popen`, for a child of the nursery."""

    def __init__(self, pid: int, words: list[str], log: Path) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = None
        self._words = words
        self._code = code_file(log)

    def poll(self) -> int | None:
        """The exit code, negative for a signal, once it has ended."""
        if self.returncode is None and self._code.exists():
            self.returncode = int(self._code.read_text())
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end, some seconds at most."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self._words, timeout)
            time.sleep(_LOOK_EVERY)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class WarmStarted(Started):
    """The processes of one test; those of `rq`, `postroom` and this Python are the nursery's."""

    nursery: Nursery = field(kw_only=True)

    @override
    def start(
        self,
        *arguments: str | Path,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        stdin: int | None = subprocess.DEVNULL,
    ) -> StartedProcess:
        words = [str(argument) for argument in arguments]
        if words[0] == sys.executable and words[1] in {"-c", "-m"} and cwd in {None, ROOT}:
            words[0] = "python"
        if words[0] not in {"rq", "postroom", "python"}:
            return super().start(*arguments, env=env, cwd=cwd, stdin=stdin)
        environment = child_environment((env or {}) | {self.mark: "1"})
        log = self.folder / f"warm-{len(self.processes)}.log"
        popen: Any = WarmProcess(
            self.nursery.start(words, environment, log, whole=True), words, log
        )
        self.processes.append(StartedProcess(popen, log))
        return self.processes[-1]

    @override
    def end(self) -> None:
        """End them with all that they started; after a second without being asked."""
        for process in self.processes:
            process.popen.terminate()
        sessions = {each.pid for each in self.processes if isinstance(each.popen, WarmProcess)}
        deadline = time.monotonic() + 1.0
        while left := _members(sessions):
            if time.monotonic() > deadline:
                for pid in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_EVERY)
        super().end()


def _members(sessions: set[int]) -> list[int]:
    """The living processes of some sessions."""
    return [pid for pid in psutil.pids() if _session(pid) in sessions and _lives(pid)]


def _session(pid: int) -> int:
    with suppress(OSError):
        return os.getsid(pid)
    return -1


def _lives(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
