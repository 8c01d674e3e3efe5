"""Runs one command for as long as its starter lives; not one process of it stays behind.

Standard input is the link: it reads as ended once nobody holds the other side, however the
starter died. `embedded` and `supervisor` start this file by its path, so it imports nothing of
Postroom, and psutil only when there is something to end.
"""

import argparse
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psutil import Process

MARK = "POSTROOM_WATCHED_BY_"
"""Start of the environment variable by which every descendant of a command is known, whatever
session or process group it is in; the rest of the name is this watchdog's own, so they nest."""

NOT_STARTED = 127
"""Exit code when there is no such command, as a shell has it."""

_TICK_SECONDS = 0.1


def main(arguments: list[str]) -> int:
    """Run the command until it ends or nobody wants it any more.

    Args:
        arguments: See `_options`.

    Returns:
        The command's exit code; 128 and the signal's number if a signal ended it.
    """
    options = _options(arguments)
    asked_to_stop: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: asked_to_stop.append(number))
    mark = f"{MARK}{os.getpid()}_{time.time_ns()}"
    try:
        child = _start(options.command, mark, kept_open=options.keep_open)
    except OSError as error:
        sys.stderr.write(f"{options.command[0]} cannot be started: {error}.\n")
        return NOT_STARTED
    os.set_blocking(sys.stdin.fileno(), False)
    while child.poll() is None and not asked_to_stop:
        if _is_unwanted():
            with _holding(options.lock):
                if _is_unwanted():  # still nobody, now that nobody can come
                    _stop(child, options.grace)
    _stop(child, options.grace)
    _end_the_rest(child, mark, options.grace)
    if options.remove:
        options.remove.unlink(missing_ok=True)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def watched(command: Sequence[str], *options: str) -> list[str]:
    """The arguments that run a command below a watchdog.

    Args:
        command: The program and its arguments.
        options: See `_options`; the starter must make standard input a pipe that it holds.
    """
    return [sys.executable, "-I", __file__, *options, "--", *command]


def end_marked(mark: str, grace_seconds: float) -> None:
    """End every process that carries a mark: SIGTERM, then SIGKILL when the time is up.

    Args:
        mark: The name of the environment variable.
        grace_seconds: How long they may take to end by themselves.
    """
    left = marked(mark)
    known = {process.pid for process in left}
    for process in left:
        if _parent(process) not in known:  # a parent ends its children in its own way
            _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while left := marked(mark):
        if time.monotonic() > deadline:
            for process in left:
                _signal(process, signal.SIGKILL)
        time.sleep(_TICK_SECONDS / 2)


def marked(mark: str) -> "list[Process]":
    """The living processes that carry a mark.

    Args:
        mark: The name of the environment variable.
    """
    import psutil  # noqa: PLC0415 - an extra, and slow to load: see above

    def carries(process: psutil.Process) -> bool:
        try:
            return mark in process.environ() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if carries(process)]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grace", type=float, default=10.0, help="seconds between the signals")
    parser.add_argument("--lock", type=Path, help="held while deciding that nobody is left")
    parser.add_argument("--keep-open", type=int, help="a descriptor that the command inherits")
    parser.add_argument("--remove", type=Path, help="a file to remove when the command has ended")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def _start(command: list[str], mark: str, *, kept_open: int | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - running what it is given is its purpose
        command,
        stdin=subprocess.DEVNULL,
        env=os.environ | {mark: "1"},
        start_new_session=True,
        pass_fds=() if kept_open is None else (kept_open,),
    )


def _is_unwanted() -> bool:
    if not select.select([sys.stdin], [], [], _TICK_SECONDS)[0]:
        return False
    try:
        return os.read(sys.stdin.fileno(), 1024) == b""
    except BlockingIOError:  # a named pipe that somebody opened again
        return False


@contextmanager
def _holding(lock: Path | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stop(child: "subprocess.Popen[bytes]", grace_seconds: float) -> None:
    # Only the command itself is told: rq takes a second signal, from its group, for "at once".
    child.terminate()
    try:
        child.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _end_the_rest(child: "subprocess.Popen[bytes]", mark: str, grace_seconds: float) -> None:
    try:
        end_marked(mark, grace_seconds)
    except ImportError:  # without the extra: at least what stayed in the command's group
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _parent(process: "Process") -> int:
    import psutil  # noqa: PLC0415 - as in `marked`

    try:
        return process.ppid()
    except psutil.Error:
        return 0


def _signal(process: "Process", number: int) -> None:
    import psutil  # noqa: PLC0415 - as in `marked`

    with suppress(psutil.Error):
        process.send_signal(number)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
