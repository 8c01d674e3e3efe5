"""The worker of streams: `postroom streams worker`.

A child of the engine reads and runs the messages; this process looks after it and after time, just
as the worker of RQ's queues does.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from types import FrameType

import redis

from workers.engine.child import Child
from workers.engine.crowd import Crowd
from workers.engine.lane import Lane, Tools
from workers.engine.page import Page
from workers.engine.spawned import Plan, connection_of
from workers.engine.stable import Stable
from workers.engine.stops import Stops
from workers.engine.task import Task
from workers.jobs import load_application
from workers.logger import get_logger
from workers.logs import configure_logs
from workers.registry import run_hooks
from workers.settings import Settings
from workers.streams.aftermath import StreamAftermath
from workers.streams.hands import Holder
from workers.streams.keeper import StreamKeeper
from workers.streams.known import search
from workers.streams.lane import Reader, StreamLane
from workers.streams.naming import Naming
from workers.tracing import check_tracing
from workers.worker_name import new_worker_name

log = get_logger("postroom.streams")


class StreamWorker:
    """Runs the messages of streams.

    Args:
        patterns: The streams: names in which `*` stands for any text.
        group: The consumer group.
        settings: Limits and intervals.
        connection: Where.
        is_fenced: Whether an end asks if the entry is still its own; False only to measure that.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        *,
        group: str,
        settings: Settings,
        connection: redis.Redis,
        is_fenced: bool = True,
    ) -> None:
        self.settings = settings
        self.name = new_worker_name()
        self.stops = Stops(settings.stop_grace)
        self.page: Page | None = None
        self.kill_asked = False
        self.must_stop_now = False
        self._stop_asked_at: float | None = None
        limit = settings.stream_tenant_limit
        holder = Holder(
            group, self.name, settings.lease_seconds, tenant_limit=limit, is_fenced=is_fenced
        )
        self._reader = Reader(holder, tuple(patterns), self.name, connection)
        self._last_holder = ""

    def work(self, task: Task | None = None) -> int:
        """Load the application, then run messages until told to stop.

        Args:
            task: When to leave by itself; None: never.

        Returns:
            How many messages were run.

        Raises:
            DuplicateHandler: If a message type has two handlers.
            SettingInvalid: If messages are to be traced and the packages for it are missing.
        """
        check_tracing(self.settings)
        configure_logs(self.settings)
        load_application()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        log.info(
            "streams_worker_started",
            worker=self.name,
            group=self._reader.holder.group,
            patterns=list(self._reader.patterns),
        )
        run_hooks("worker_started", self.name)
        keeper = StreamKeeper(self._reader, self.settings, self.stops)
        task = task or Task(recycle_after=self.settings.child_jobs)
        if task.burst:  # it would leave before its keeper had looked
            naming = Naming(self.settings.stream_template)
            search(self._reader.patterns, naming, connection=self._reader.connection)
        aftermath = StreamAftermath(
            self._reader, self.settings, lambda: self.is_to_stop, self.stops
        )
        try:
            Stable(self, task, keeper, aftermath).run()
        finally:
            run_hooks("worker_stopped", self.name)
            log.info("streams_worker_stopped", worker=self.name)
        return keeper.done.succeeded + keeper.done.failed

    @property
    def is_to_stop(self) -> bool:
        """Whether somebody asked it to stop; see `stable.Owner`, like all that follow."""
        return self._stop_asked_at is not None

    @property
    def grace_is_over(self) -> bool:
        """Whether its messages had the time that they get after that."""
        since = self._stop_asked_at
        waited = 0.0 if since is None else time.monotonic() - since
        return self.must_stop_now or (since is not None and waited >= self.settings.shutdown_grace)

    @staticmethod
    def new_holder() -> str:
        """A name for one life of a child: the consumer."""
        return new_worker_name()

    def child(self, task: Task, page: Page, holder: str) -> Child:
        """What a forked child is."""
        kind = Crowd if self.settings.concurrency > 1 else Child
        lane = partial(_lane, self._reader.of(holder))
        return kind(self.name, lane, page, task, self.settings)

    def plan(self, task: Task, holder: str) -> Plan:
        """What a spawned child has to know."""
        reader = self._reader
        begin = partial(_begin, reader.patterns, reader.holder.group, self.settings, task, holder)
        return Plan(
            begin=begin,
            connection=connection_of(reader.connection),
            slots=self.settings.concurrency,
            path=sys.path,
            parent=os.getpid(),
        )

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        now = time.monotonic()
        if self._stop_asked_at is None:
            self._stop_asked_at = now
        elif now - self._stop_asked_at >= 1:  # a terminal and a supervisor may both pass it on
            self.must_stop_now = True


def _lane(reader: Reader, tools: Tools) -> Lane:
    return StreamLane(reader, tools)


def _begin(  # noqa: PLR0913, PLR0917 - what a spawned child is told
    patterns: Sequence[str],
    group: str,
    settings: Settings,
    task: Task,
    holder: str,
    client: redis.Redis,
    page: Page,
) -> int:
    """Be a child that was spawned."""
    worker = StreamWorker(patterns, group=group, settings=settings, connection=client)
    configure_logs(settings)
    load_application()
    return worker.child(task, page, holder).work()
