"""Runs one command in a process group of its own, which ends with it, whatever happens."""

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from handlers.parts import build_guard
from handlers.parts.build_steps import Command
from workers import PermanentError, ResourceUnavailable

Line = Callable[[bytes], None]

_GRACE_SECONDS = 5.0  # between asking a group to end and ending it
_LOOK_EVERY = 0.1  # seconds; a thread whose handler is stopped only notices between two looks
_CHUNK = 65_536
_LONGEST_LINE = 4_096  # bytes; a longer one is told in parts, as some never end
_PASSING = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})


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
        say: Is told each line of its output, without the line feed; long ones in parts.

    Returns:
        Its exit code, negative for the signal that ended it.

    Raises:
        TooLate: If the deadline came first; its whole group is killed then.
        PermanentError: If there is no such program.
        ResourceUnavailable: If this machine has no room for another process.
    """
    with _guarded(command, folder, environment) as guarded:
        for line in _lines(_chunks(guarded, deadline)):
            say(line)
        return _exit_code(command[0], guarded.word)


class _Guarded:
    """A command that runs under its guard.

    Args:
        guard: The process of the guard; its output is the command's.
        line: Ends with the guard, and the guard and its group end with it.
    """

    def __init__(self, guard: "subprocess.Popen[bytes]", line: socket.socket) -> None:
        assert guard.stdout is not None, "it was asked for"  # noqa: S101 - for the type checker
        self.word: str | None = None
        """How the command ended; empty if its guard was killed, None while it runs."""
        self._guard, self._line, self._output = guard, line, guard.stdout
        self._ready = select.poll()  # not select(), which refuses numbers above 1,023
        self._ready.register(self._output, select.POLLIN)
        self._ready.register(line, select.POLLIN)

    def read(self, seconds: float) -> bytes:
        """Wait for output, but not longer than this, nor after the command has ended."""
        ready = {number for number, _ in self._ready.poll(seconds * 1_000)}
        if self._line.fileno() in ready:
            self._ready.unregister(self._line)
            self.word = self._line.recv(64).decode()
        return os.read(self._output.fileno(), _CHUNK) if self._output.fileno() in ready else b""

    def end(self) -> None:
        """End what is left of the group: first asked, then killed."""
        if self._guard.returncode is not None:
            return
        if self.word is None:
            self._signal(signal.SIGTERM)
            _wait(self._line, _GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        self._guard.wait()

    def _signal(self, number: int) -> None:
        # Nobody else can have this id: the guard leads the group, and is waited for at the end.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._guard.pid, number)


@contextmanager
def _guarded(command: Command, folder: Path, environment: Mapping[str, str]) -> Iterator[_Guarded]:
    line, its_end = socket.socketpair()
    with closing(line):  # and with it the group, also if we are interrupted before it has begun
        with closing(its_end):
            guard = _started(command, folder, environment, its_end.fileno())
        with closing(guard.stdout or line):
            guarded = _Guarded(guard, line)
            try:
                yield guarded
            finally:  # also when the handler's time is up, or somebody stopped it
                guarded.end()


def _started(
    command: Command, folder: Path, environment: Mapping[str, str], line: int
) -> "subprocess.Popen[bytes]":
    # Without preexec_fn: it would run Python between fork and exec, where other threads may hold
    # locks, and what is registered for forks would close the database under the build.
    return subprocess.Popen(  # noqa: S603 - admitted by BUILD_ALLOWED_COMMANDS
        [sys.executable, "-IS", str(build_guard.__file__), str(line), *command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=(line,),
    )


def _chunks(guarded: _Guarded, deadline: float) -> Iterator[bytes]:
    while guarded.word is None:
        if time.monotonic() > deadline:
            raise TooLate
        yield guarded.read(_LOOK_EVERY)
    guarded.end()  # what the command left behind could write for ever
    while time.monotonic() <= deadline and (chunk := guarded.read(0)):
        yield chunk


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield from _parts(line)
        if len(rest) > _LONGEST_LINE:
            *parts, rest = _parts(rest)
            yield from parts
    if rest:
        yield rest


def _parts(line: bytes) -> Iterator[bytes]:
    for first in range(0, len(line) or 1, _LONGEST_LINE):
        yield line[first : first + _LONGEST_LINE]


def _exit_code(program: str, word: str | None) -> int:
    kind, _, number = (word or f"exit {-signal.SIGKILL}").partition(" ")
    if kind == "exit":
        return int(number)
    failed = f"{program!r} cannot be started: {os.strerror(int(number))}."
    if int(number) in _PASSING:
        raise ResourceUnavailable(failed)
    raise PermanentError(failed)


def _wait(line: socket.socket, seconds: float) -> None:
    ready = select.poll()
    ready.register(line, select.POLLIN)
    ready.poll(seconds * 1_000)
