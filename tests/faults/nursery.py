"""Starts workers by fork from a process that has imported RQ already: 20 ms instead of a second.

`python -m tests.faults.nursery DOOR` reads a JSON object a line, `{"words": ["rq", "worker", ...],
"environ": {...}, "log": path}`, and answers with the pid. What runs is `rq`'s own command line.
The exit code, negative for a signal, is in the file `code_file(log)` when the process has ended.
Who comes to the door, a socket, is served by `visits`.
"""

import gc
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from uuid import uuid4

import psutil

from postroom import watchdog
from postroom.settings import child_environment
from tests.faults.becoming import SKEW, Order, become
from tests.faults.visits import Visits

__all__ = ["ROOT", "SKEW", "Nursery", "code_file", "nursery"]

ROOT = Path(__file__).parents[2]

_STAND_IN = """#!{python} -IS
with open({code!r}) as file:
    exec(compile(file.read(), "stand_in", "exec"))
raise SystemExit(main({door!r}, {program!r}))
"""


@dataclass
class Nursery:
    """The other end, used by the drills; it may be shared by threads."""

    popen: "subprocess.Popen[str]"
    door: Path
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

    def stand_ins(self, folder: Path) -> Path:
        """Write programs that are run here, but look like processes of who starts them.

        Args:
            folder: Where `rq`, `postroom` and `python` are written; to stand first on PATH.
        """
        folder.mkdir()
        told = {"python": sys.executable, "code": str(ROOT / "tests" / "stand_in.py")}
        for program in ("rq", "postroom", "python"):
            path = folder / program
            path.write_text(_STAND_IN.format(**told, door=str(self.door), program=program))
            path.chmod(0o755)
        return folder


def code_file(log: Path) -> Path:
    """Where the exit code of the process with this log is written down."""
    return log.with_name(f"{log.name}.code")


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery for as long as the block runs; then every process that descends from it ends."""
    mark = f"POSTROOM_DRILL_{uuid4().hex}"
    with tempfile.TemporaryDirectory(prefix="nursery-") as folder:  # pytest's are too long for it
        door = Path(folder) / "door"
        popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery", str(door)],
            cwd=ROOT,
            env=child_environment({mark: "1"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert popen.stdout is not None
        try:
            assert popen.stdout.readline() == "ready\n"
            yield Nursery(popen, door)
        finally:
            popen.communicate()  # the end of its input ends it
            watchdog.end_marked(mark, grace_seconds=1.0)


def _main(door: str) -> None:
    import rq.cli  # noqa: PLC0415 - this is what the nursery keeps warm
    import rq.scheduler  # noqa: F401, PLC0415

    import workers  # noqa: F401, PLC0415
    from postroom.cli import build_app  # noqa: PLC0415

    build_app()
    gc.collect()
    gc.freeze()  # the children's collections leave these pages shared
    with selectors.DefaultSelector() as selector:
        _Host(selector, Visits(selector, door)).serve()
    for process in psutil.Process().children(recursive=True):  # while there is somebody to reap
        with suppress(psutil.Error):
            process.kill()


class _Host:
    """Serves orders on standard input, visits, and the ends of children, in one thread."""

    def __init__(self, selector: selectors.BaseSelector, visits: Visits) -> None:
        self._selector = selector
        self._visits = visits
        self._logs: dict[int, Path] = {}
        self._asked = b""

    def serve(self) -> None:
        ended, wake = os.pipe()
        for number in (ended, wake):
            os.set_blocking(number, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(ended, selectors.EVENT_READ, lambda: self._reap(ended))
        self._selector.register(0, selectors.EVENT_READ, self._take_orders)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while 0 in self._selector.get_map():
            for key, _ in self._selector.select():
                if key.fd in self._selector.get_map():
                    key.data()

    def _take_orders(self) -> None:
        if not (read := os.read(0, 1 << 16)):
            self._selector.unregister(0)
        *lines, self._asked = (self._asked + read).split(b"\n")
        for line in lines:
            self._start(json.loads(line))

    def _start(self, told: Mapping[str, object]) -> None:
        log = Path(str(told["log"]))
        pid = os.fork()
        if pid == 0:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            become(
                Order(
                    told["words"],  # type: ignore[arg-type]  # JSON
                    told["environ"],  # type: ignore[arg-type]  # JSON
                    (nothing, output, output),
                    whole=bool(told["whole"]),
                )
            )
        self._logs[pid] = log
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()

    def _reap(self, ended: int) -> None:
        os.read(ended, 1 << 16)
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, code = found[0], os.waitstatus_to_exitcode(found[1])
                if pid in self._logs:
                    _write_down(code, self._logs.pop(pid))
                else:
                    self._visits.end(pid, code)


def _write_down(code: int, log: Path) -> None:
    told = code_file(log)
    new = told.with_name(f"{told.name}.new")
    with suppress(OSError):  # the folder may be gone
        new.write_text(str(code))
        new.rename(told)  # whoever sees it sees all of it


if __name__ == "__main__":
    _main(*sys.argv[1:])
