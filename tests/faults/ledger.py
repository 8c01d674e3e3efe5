"""What happened, kept outside Redis: a file to which every process appends a line an event.

A line is one write to a file opened with O_APPEND, so lines of several processes never mix, and
what a process wrote before SIGKILL stands in the file.
"""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "DRILL_LEDGER"
"""The variable that tells the handlers of a drill which file is theirs."""


@dataclass(frozen=True)
class Event:
    """One line: what happened to which job, in which process and when (s, monotonic)."""

    what: str
    job_id: str
    kind: str
    pid: int
    parent: int
    at: float


def now() -> float:
    """Seconds of the one clock that is the same in every process, skewed ones included."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def write(path: str | Path, what: str, job_id: str, kind: str = "-") -> None:
    """Append one event.

    Args:
        path: The ledger.
        what: `start` and `end` by handlers; `attempted`, `acked`, `errored` by producers;
            `finished`, `failed` by the reader of outcomes.
        job_id: Whose.
        kind: What the job was asked to do; it may hold spaces.
    """
    words = (what, job_id, kind, os.getpid(), os.getppid(), f"{now():.6f}")
    line = "\t".join(map(str, words)) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


@dataclass
class Ledger:
    """Reads a file that others append to; each call of `refresh` reads what is new."""

    path: Path
    events: list[Event] = field(default_factory=list)
    by_job: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _read: int = 0
    _open: dict[tuple[int, str], Event] = field(default_factory=dict)

    def refresh(self) -> "Ledger":
        """Read what was written since the last call."""
        if self.path.exists():
            for event in self._new_events():
                self.events.append(event)
                self.by_job[event.job_id].append(event)
                self._note_open(event)
        return self

    def _note_open(self, event: Event) -> None:
        if event.what == "start":
            self._open[event.pid, event.job_id] = event
        elif event.what == "end":
            self._open.pop((event.pid, event.job_id), None)

    def _new_events(self) -> Iterator[Event]:
        with self.path.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        if whole:
            self._read += len(whole) + 1
            for line in whole.decode().split("\n"):
                what, job_id, kind, pid, parent, at = line.split("\t")
                yield Event(what, job_id, kind, int(pid), int(parent), float(at))

    def ids(self, what: str) -> set[str]:
        """The jobs to which this happened."""
        return {event.job_id for event in self.events if event.what == what}

    def of(self, job_id: str, what: str) -> list[Event]:
        """The events of one kind of one job."""
        return [event for event in self.by_job.get(job_id, ()) if event.what == what]

    def running(self, pids: Collection[int]) -> list[Event]:
        """The last starts in these processes that have no end yet."""
        return [event for event in self._open.values() if event.pid in pids]
