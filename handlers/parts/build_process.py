"""Runs one command in a process group of its own, which ends with it, whatever happens."""

import ctypes
import os
import select
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
_PR_SET_PDEATHSIG = 1  # from linux/prctl.h


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
    try:
        process = subprocess.Popen(  # noqa: S603 - admitted by BUILD_ALLOWED_COMMANDS
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls one function of the kernel
        )
    except OSError as error:
        raise PermanentError(f"{command[0]!r} cannot be started: {error.strerror}.") from error
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


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
