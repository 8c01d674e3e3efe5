"""Workers of streams, in one process or in several."""

import multiprocessing
import signal
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing.process import BaseProcess

from workers import Settings
from workers.connection import connect
from workers.engine.away import Away
from workers.engine.task import Task
from workers.jobs import load_application
from workers.logger import get_logger
from workers.logs import configure_logs
from workers.streams.naming import checked_pattern
from workers.streams.worker import StreamWorker

log = get_logger("postroom.streams")

_LOOK_EVERY = 0.1  # seconds


def run_stream_workers(
    patterns: Sequence[str], group: str, settings: Settings, *, count: int, burst: bool
) -> None:
    """Run workers until they are told to end, or in burst mode until nothing waits.

    Args:
        patterns: The streams: names in which `*` stands for any text.
        group: The consumer group.
        settings: Where Redis is, and what the application is.
        count: How many, from 1; one that dies is started again.
        burst: Whether to end when nothing waits.

    Raises:
        InvalidOption: If a pattern or the group cannot be one; also any error of loading.
    """
    for pattern in patterns:
        checked_pattern(pattern)
    configure_logs(settings)
    load_application()
    Away("postroom streams worker").insist(lambda: connect(settings).ping())
    run = partial(_run_one, patterns, group, settings, burst=burst)
    if count == 1:
        run()
    else:
        _Pool(run, count).run()


def _run_one(patterns: Sequence[str], group: str, settings: Settings, *, burst: bool) -> None:
    worker = StreamWorker(patterns, group=group, settings=settings, connection=connect(settings))
    worker.work(Task(burst=burst, recycle_after=settings.child_jobs))


class _Pool:
    """Processes that are started again when they die, and told to end when this one is."""

    def __init__(self, run: "partial[None]", count: int) -> None:
        self._run = run
        self._count = count
        self._signals: list[int] = []
        self._is_to_stop = False

    def run(self) -> None:
        """Keep them running."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._signals.append(number))
        processes = [self._start() for _ in range(self._count)]
        while any(process.is_alive() for process in processes):
            while self._signals:
                self._signals.pop()
                self._pass_on(processes)
            time.sleep(_LOOK_EVERY)
            if not self._is_to_stop:
                processes = [self._revived(process) for process in processes]

    def _pass_on(self, processes: Sequence[BaseProcess]) -> None:
        self._is_to_stop = True
        for process in processes:
            if process.is_alive():
                process.terminate()

    def _revived(self, process: BaseProcess) -> BaseProcess:
        if process.is_alive() or process.exitcode == 0:
            return process
        log.warning("streams_worker_died", pid=process.pid, exit_code=process.exitcode)
        return self._start()

    def _start(self) -> BaseProcess:
        process = multiprocessing.get_context("fork").Process(target=self._run)
        process.start()
        return process
