"""The workers of a drill: started, watched, started again, frozen and killed."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from tests.faults.ledger import VARIABLE
from tests.faults.nursery import ROOT, Nursery
from tests.processes import ask_until_true

__all__ = [
    "MESSAGE",
    "ROOT",
    "SIMPLE",
    "STOCK",
    "STREAMS",
    "Fleet",
    "Pace",
    "Victim",
    "WorkerProcess",
]

_AWAKE = {psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP}

Victim = Literal["worker", "child", "both"]

MESSAGE = ("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings")
STREAMS = ("postroom", "streams", "worker")
_QUICKEST = ("--worker-ttl", "20", "--maintenance-interval", "5", "--with-scheduler")
STOCK = ("rq", "worker", "-w", "rq.Worker", "-c", "worker_settings", "-S", "json", *_QUICKEST)
SIMPLE = (
    "rq",
    "worker",
    "-w",
    "rq.SimpleWorker",
    "-c",
    "worker_settings",
    "-S",
    "json",
    *_QUICKEST,
)


@dataclass(frozen=True)
class Pace:
    """The clocks of the engine, in seconds."""

    lease: float = 15.0
    heartbeat: float = 4.0
    reap: float = 2.0

    def environ(self) -> Mapping[str, str]:
        return {
            "LEASE_SECONDS": f"{self.lease:g}",
            "HEARTBEAT_SECONDS": f"{self.heartbeat:g}",
            "REAP_SECONDS": f"{self.reap:g}",
        }


@dataclass(frozen=True)
class WorkerProcess:
    """One started worker."""

    process: psutil.Process
    words: Sequence[str]
    environ: Mapping[str, str]
    log: Path

    def tree(self) -> list[psutil.Process]:
        """The worker and its descendants, as far as they live."""
        with suppress(psutil.Error):
            return [self.process, *self.process.children(recursive=True)]
        return []

    def lives(self) -> bool:
        return lives(self.process)


@dataclass
class Fleet:
    """Workers that serve the same queues.

    Args:
        nursery: Starts them.
        environ: Their variables.
        folder: For their logs.
        words: The command line without queues.
        queues: What they serve.
    """

    nursery: Nursery
    environ: Mapping[str, str]
    folder: Path
    words: Sequence[str]
    queues: Sequence[str]
    workers: list[WorkerProcess] = field(default_factory=list)
    seen: set[psutil.Process] = field(default_factory=set)
    died: int = 0
    """Workers that ended and that nobody had killed."""
    _killed: set[psutil.Process] = field(default_factory=set)
    _started: int = 0

    def start(
        self,
        count: int = 1,
        *,
        words: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        ready: bool = True,
    ) -> None:
        """Start workers, and wait until they listen unless they cannot.

        Args:
            count: How many.
            words: Another command line than the fleet's.
            environ: Further variables.
            ready: Whether to wait.
        """
        for _ in range(count):
            self.workers.append(self._start(words or self.words, environ or {}))
        if ready:
            for worker in self.workers[-count:]:
                ask_until_true(lambda w=worker: _listens(w) or not w.lives(), within=30)

    def _start(self, words: Sequence[str], environ: Mapping[str, str]) -> WorkerProcess:
        self._started += 1
        log = self.folder / f"worker-{self._started}.log"
        pid = self.nursery.start([*words, *self.queues], {**self.environ, **environ}, log)
        return WorkerProcess(psutil.Process(pid), words, environ, log)

    def run(self, words: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        """Run a command to its end, with the variables of the fleet and these."""
        pid = self.nursery.start(words, {**self.environ, **environ}, log)
        with suppress(psutil.Error):
            psutil.Process(pid).wait(30)

    def keep_up(self) -> None:
        """Start again what has ended, as a supervisor does."""
        for worker in list(self.workers):
            if not worker.lives():
                self.workers.remove(worker)
                self.died += worker.process not in self._killed
                self.workers.append(self._start(worker.words, worker.environ))

    def signal(self, worker: WorkerProcess, victim: Victim, number: int) -> list[psutil.Process]:
        """Send a signal to the worker, its child processes or both; returns who got it."""
        tree = worker.tree()
        self.seen.update(tree)
        chosen = {"worker": tree[:1], "child": tree[1:], "both": tree}[victim]
        if number == signal.SIGKILL:
            self._killed.update(chosen)
        for process in chosen:
            with suppress(psutil.Error):
                process.send_signal(number)
        return chosen

    def freeze(self, worker: WorkerProcess) -> None:
        """Stop a worker, and then its children: one that stands still starts no other."""
        victims: Sequence[Victim] = ("worker", "child")
        for victim in victims:
            for process in self.signal(worker, victim, signal.SIGSTOP):
                # A process on another core goes on for some milliseconds.
                ask_until_true(lambda p=process: not _is_awake(p))

    def kill(self, worker: WorkerProcess, victim: Victim = "both") -> list[psutil.Process]:
        return self.signal(worker, victim, signal.SIGKILL)

    def end(self, within: float = 15.0) -> None:
        """Tell all workers to end, and wait."""
        for worker in self.workers:
            self.signal(worker, "worker", signal.SIGTERM)
        with suppress(AssertionError):
            ask_until_true(lambda: not any(map(WorkerProcess.lives, self.workers)), within=within)
        for worker in self.workers:
            self.kill(worker)
        self.workers.clear()

    def logs(self) -> str:
        """All that all of them wrote."""
        return "".join(p.read_text(errors="replace") for p in self.folder.glob("worker-*.log"))


def environment(url: str, ledger: Path, pace: Pace) -> Mapping[str, str]:
    """The variables of a drill's workers."""
    return {
        "REDIS_URL": url,
        "HANDLER_PACKAGES": "tests.faults.app",
        "ALLOW_FOREIGN_JOBS": "tests.faults.behaviours",
        "KEEP_FINISHED": "1000000",
        "KEEP_FAILED": "1000000",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        VARIABLE: str(ledger),
        **pace.environ(),
    }


def _is_awake(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() in _AWAKE
    return False


def lives(process: psutil.Process) -> bool:
    """Whether a process runs or is stopped; a zombie does not live."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _listens(worker: WorkerProcess) -> bool:
    said = worker.log.read_text(errors="replace")
    return "Listening on" in said or "streams_worker_started" in said
