"""Runs one command in a process group of its own, which ends with it, whatever happens."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from handlers.parts.build_steps import Command
from workers import PermanentError

Line = Callable[[bytes], None]

_GRACE_SECONDS = 5.0  # between asking a group to end and ending it
_LOOK_EVERY = 0.1  # seconds
_CHUNK = 65_536
_START = str(Path(__file__).with_name("build_start.py"))


class TooLate(Exception):
    """The time of a build is up."""


def run_command(
    command: Command,
    *,
    folder: Path,
    environment: Mapping[str, str],
    deadline: float,
    say: Line,
) -> int:
    """Run a command to its end.

    Args:
        command: Its words.
        folder: Where it runs.
        environment: All its variables.
        deadline: When it must be over, by the monotonic clock.
        say: Is told each line of its output, without the line feed.

    Returns:
        Its exit code, negative for the signal that ended it.

    Raises:
        TooLate: If the deadline came first; its whole group has ended then.
        PermanentError: If there is no such program.
    """
    with _started(command, folder, environment) as process:
        assert process.stdout is not None, "it was asked for"  # noqa: S101 - for the type checker
        for line in _lines(process, process.stdout, deadline):
            say(line)
        return process.wait()


@contextmanager
def _started(
    command: Command, folder: Path, environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    program = _program(command[0], folder, environment)
    process = subprocess.Popen(  # noqa: S603 - admitted by BUILD_ALLOWED_COMMANDS
        [sys.executable, "-I", "-S", _START, str(os.getpid()), program, *command[1:]],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:  # also when the handler's time is up, or somebody stopped it
        _end_group(process)


def _lines(
    process: "subprocess.Popen[bytes]", output: IO[bytes], deadline: float
) -> Iterator[bytes]:
    rest = b""
    while True:
        if time.monotonic() > deadline:
            raise TooLate
        is_over = process.poll() is not None
        ready, _, _ = select.select([output], [], [], 0 if is_over else _LOOK_EVERY)
        chunk = os.read(output.fileno(), _CHUNK) if ready else b""
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if not chunk and (is_over or ready):
            break
    if rest:
        yield rest


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of the group: first asked, then killed."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    _signal(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _program(name: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Where a program is, seen from the folder of the build."""
    where = str(folder / name) if os.sep in name else name
    found = shutil.which(where, path=environment.get("PATH", os.defpath))
    if found is None:
        raise PermanentError(f"{name!r} cannot be started: there is no such program.")
    return found
