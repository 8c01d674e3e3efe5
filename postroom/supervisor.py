"""Runs what the Procfile names, each command below a watchdog; nothing is left behind.

Nothing is started again: a process that dies is a finding, and `deaths` tells it.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from postroom import watchdog
from postroom.procfile import Command
from postroom.settings import child_environment

_LARGEST_LOG = 10_000_000  # bytes; an older log than that starts anew
_WATCHDOG_SECONDS = 5.0  # on top of the grace: it ends what is left itself


@dataclass(frozen=True)
class Death:
    """A process that ended though nobody asked it to.

    Args:
        name: Its name in the Procfile.
        code: Its exit code; 128 and the number if a signal ended it.
        log: Where its output is.
        last_lines: The end of its output.
    """

    name: str
    code: int
    log: Path
    last_lines: tuple[str, ...]


@dataclass(frozen=True)
class Running:
    """One command that was started."""

    name: str
    log: Path
    guard: "subprocess.Popen[bytes]"


@dataclass(frozen=True)
class Supervised:
    """What runs."""

    processes: tuple[Running, ...]

    def deaths(self) -> tuple[Death, ...]:
        """Those that have ended since the start."""
        ended = [(one, one.guard.poll()) for one in self.processes]
        return tuple(
            Death(one.name, code if code >= 0 else 128 - code, one.log, _last_lines(one.log))
            for one, code in ended
            if code is not None
        )


@contextmanager
def supervised(
    commands: Sequence[Command],
    *,
    logs: Path,
    environment: dict[str, str],
    grace_seconds: float = 10.0,
) -> Iterator[Supervised]:
    """Start the commands, and end them and all their descendants when the block ends.

    They end as well if this process dies, even by SIGKILL.

    Args:
        commands: What to run.
        logs: A folder; each command's output is appended to `<name>.log` in it.
        environment: Variables for all of them; a command's own win.
        grace_seconds: What each has for its end after SIGTERM; then SIGKILL, for its tree.

    Yields:
        What runs.
    """
    logs.mkdir(parents=True, exist_ok=True)
    mark = f"POSTROOM_SUPERVISED_{uuid4().hex}"
    processes: list[Running] = []
    try:
        for command in commands:
            variables = environment | command.environment | {mark: "1"}
            processes.append(_start(command, logs, variables, grace_seconds))
        yield Supervised(tuple(processes))
    finally:
        _stop(processes, grace_seconds + _WATCHDOG_SECONDS)
        watchdog.end_marked(mark, grace_seconds=0)  # in case somebody killed a watchdog


def _start(
    command: Command, logs: Path, variables: dict[str, str], grace_seconds: float
) -> Running:
    log = logs / f"{command.name}.log"
    fresh = not log.exists() or log.stat().st_size > _LARGEST_LOG
    with log.open("wb" if fresh else "ab") as output:
        guard = subprocess.Popen(  # noqa: S603 - what the Procfile names
            watchdog.watched(command.arguments, "--grace", str(grace_seconds)),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=child_environment(variables),
            start_new_session=True,
        )
    return Running(command.name, log, guard)


def _stop(processes: Sequence[Running], seconds: float) -> None:
    for process in processes:
        if process.guard.stdin is not None:
            process.guard.stdin.close()
    deadline = time.monotonic() + seconds
    for process in processes:
        try:
            process.guard.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.guard.kill()
            process.guard.wait()


def _last_lines(log: Path, count: int = 5) -> tuple[str, ...]:
    return tuple(log.read_text(errors="replace").splitlines()[-count:])
