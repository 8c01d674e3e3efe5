"""Starts workers by fork from a process that has imported RQ already: 20 ms instead of a second.

`python -m tests.faults.nursery` reads a JSON object a line, `{"words": ["rq", "worker", ...],
"environ": {...}, "log": path}`, and answers with the pid. What runs is `rq`'s own command line.
The exit code, negative for a signal, is in the file `code_file(log)` when the process has ended.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from uuid import uuid4

import psutil

from postroom import watchdog
from postroom.settings import child_environment

ROOT = Path(__file__).parents[2]
SKEW = "DRILL_SKEW_SECONDS"
"""A variable: how far ahead the clock of the process is; its monotonic clock is right."""


@dataclass
class Nursery:
    """The other end, used by the drills; it may be shared by threads."""

    popen: "subprocess.Popen[str]"
    _lock: Lock = field(default_factory=Lock)

    def start(
        self, words: Sequence[str], environ: Mapping[str, str], log: Path, *, whole: bool = False
    ) -> int:
        """Start a worker; returns its pid. It is a child of the nursery, which reaps it.

        Args:
            words: The command line.
            environ: Variables.
            log: A file for both outputs.
            whole: Whether it has these variables only, and not the nursery's beside them.
        """
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        log.touch()
        order = {"words": [*words], "environ": {**environ}, "log": str(log), "whole": whole}
        with self._lock:
            self.popen.stdin.write(json.dumps(order) + "\n")
            self.popen.stdin.flush()
            return int(self.popen.stdout.readline())


def code_file(log: Path) -> Path:
    """Where the exit code of the process with this log is written down."""
    return log.with_name(f"{log.name}.code")


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery for as long as the block runs; then every process that descends from it ends."""
    mark = f"POSTROOM_DRILL_{uuid4().hex}"
    popen = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery"],
        cwd=ROOT,
        env=child_environment({mark: "1"}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Nursery(popen)
    finally:
        popen.communicate()  # the end of its input ends it
        watchdog.end_marked(mark, grace_seconds=1.0)


def _main() -> None:
    import rq.cli  # noqa: PLC0415 - this is what the nursery keeps warm
    import rq.scheduler  # noqa: F401, PLC0415

    import postroom.cli.streams  # noqa: F401, PLC0415
    import workers  # noqa: F401, PLC0415

    logs: dict[int, Path] = {}
    signal.signal(signal.SIGCHLD, lambda *_: _reap(logs))
    for line in sys.stdin:
        order = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # until its log is known
        pid = os.fork()
        if pid == 0:
            _become(order)
        logs[pid] = Path(order["log"])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for process in psutil.Process().children(recursive=True):  # while there is somebody to reap
        with suppress(psutil.Error):
            process.kill()


def _reap(logs: dict[int, Path]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            with suppress(OSError):  # the folder may be gone
                told = code_file(logs.pop(pid))
                new = told.with_name(f"{told.name}.new")
                new.write_text(str(os.waitstatus_to_exitcode(status)))
                new.rename(told)  # whoever sees it sees all of it


def _become(order: Mapping[str, object]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.setsid()
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    if order["whole"]:
        os.environ.clear()
    os.environ.update(order["environ"])  # type: ignore[call-overload]  # JSON
    words = list(order["words"])  # type: ignore[call-overload]  # JSON
    code = 1
    try:
        if words[0] not in _RUNS:
            os.execvp(words[0], words)
        _RUNS[words[0]](words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 - what Python does at the end of a program
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run_rq(words: list[str]) -> None:
    from rq.cli import main  # noqa: PLC0415

    sys.argv = words
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text stream
    if SKEW in os.environ:
        import time_machine  # noqa: PLC0415

        ahead = timedelta(seconds=float(os.environ[SKEW]))
        time_machine.travel(datetime.now(UTC) + ahead, tick=True).start()
    main()


def _run_postroom(words: list[str]) -> None:
    from postroom.cli import main  # noqa: PLC0415

    sys.argv = words
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text stream
    main()


_RUNS = {"rq": _run_rq, "postroom": _run_postroom}


if __name__ == "__main__":
    _main()
