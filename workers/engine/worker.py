"""The worker of the RQ lane: `rq worker -w workers.MessageWorker -c worker_settings`.

It is RQ's worker to everybody outside: registered, shown, commanded and stopped like one. Inside, a
child runs the jobs and this process looks after it; see docs/lifecycle.md.
"""

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import redis
from rq import Queue
from rq.serializers import JSONSerializer
from typing_extensions import override

from messages import PostroomError
from workers.clock import utc_now
from workers.engine.away import Away
from workers.engine.child import Child
from workers.engine.commands import Commands
from workers.engine.crowd import Crowd
from workers.engine.keeper import Keeper
from workers.engine.lane import Lane, Tools
from workers.engine.leases import Leases, new_holder
from workers.engine.order import Order, Strategy
from workers.engine.page import Page
from workers.engine.rq_aftermath import RqAftermath
from workers.engine.rq_ends import handle_abandoned
from workers.engine.rq_lane import RqLane
from workers.engine.spawned import Plan, connection_of
from workers.engine.stable import Stable
from workers.engine.startup import prepare
from workers.engine.stops import Stops
from workers.engine.task import Task
from workers.engine.untidy import untidy
from workers.logger import get_logger
from workers.reconcile import reconcile, remove_old_letters
from workers.registry import run_hooks
from workers.release import code_version
from workers.routing import queue_of
from workers.settings import load_settings
from workers.worker_name import telling_name

log = get_logger("postroom.worker")

_SHORTEST_TTL = 60  # seconds that RQ's record of a worker outlives its last sign of life


class MessageWorker(Commands):
    """Runs messages. Takes the queues' names; each name stands for its three lists."""

    def __init__(
        self,
        queues: Sequence[str | Queue],
        name: str | None = None,
        *,
        connection: redis.Redis | None = None,
        **options: Any,
    ) -> None:
        self.settings = load_settings()
        self.stops = Stops(self.settings.stop_grace)
        # RQ's command line passes its own serializer: whatever it says, nothing is unpickled.
        options["serializer"] = JSONSerializer
        options["queue_class"] = Queue
        client = connection or _connection_of(queues)
        self.base_queues = _base_names(queues)
        self.order = Order(self.base_queues, self.settings.queue_weights)
        self.lists = self.order.lists
        self.jobs_done = 0
        super().__init__(list(self.lists), telling_name(name), connection=client, **options)
        self.leases = self._new_leases()
        self.push_exc_handler(handle_abandoned)  # type: ignore[no-untyped-call]  # rq is typed in part

    @override
    def serialize(self) -> dict[Any, Any]:
        """What RQ tells of a worker, and which class it is: stock workers have no such field."""
        kind = type(self)
        own = {
            "worker_class": f"{kind.__module__}.{kind.__qualname__}",
            "code_version": code_version(self.settings.code_version),
            "slots": self.settings.concurrency,
        }
        return {**super().serialize(), **own}

    # --- the loop -------------------------------------------------------------------------------

    @override
    def work(
        self,
        burst: bool = False,
        logging_level: str | None = None,
        date_format: str = "%H:%M:%S",
        log_format: str = "%(asctime)s %(message)s",
        max_jobs: int | None = None,
        max_idle_time: int | None = None,
        with_scheduler: bool = False,
        dequeue_strategy: Any = "default",
    ) -> bool:
        """Load the application, then run jobs until told to stop.

        RQ's own scheduler is not started: every worker of ours moves due jobs itself.

        Args:
            burst: Leave when the queues are empty.
            logging_level: As for RQ's worker.
            date_format: As for RQ's worker.
            log_format: As for RQ's worker.
            max_jobs: Leave after so many jobs.
            max_idle_time: Leave after so many seconds without a job.
            with_scheduler: Makes no difference.
            dequeue_strategy: `default`, `round_robin` or `random`.

        Returns:
            Whether it ran any job.

        Raises:
            SystemExit: With a sentence, if the application cannot be loaded or lacks a handler.
        """
        del with_scheduler
        try:
            prepare(self.base_queues, self.settings)
        except PostroomError as error:  # RQ would bury the sentence in its own traceback
            raise SystemExit(f"Worker {self.name} does not start: {error}") from error
        self.order.strategy = getattr(dequeue_strategy, "value", dequeue_strategy) or "default"
        # Told to stop from here on, it signs off what it has registered.
        self._install_signal_handlers()  # type: ignore[no-untyped-call]  # rq is typed in part
        with suppress(redis.RedisError):  # it gave up, because it is to stop
            Away(self.name).insist(
                lambda: self.bootstrap(logging_level, date_format, log_format),
                until=lambda: self.is_to_stop,
            )
        run_hooks("worker_started", self.name)
        task = Task(
            burst=burst,
            max_jobs=max_jobs,
            max_idle=max_idle_time,
            recycle_after=1 if self.settings.isolation == "fork" else self.settings.child_jobs,
        )
        try:
            self._keeper = Keeper(self, self.leases, self.settings)
            Stable(self, task, self._keeper, RqAftermath(self)).run()
        finally:
            run_hooks("worker_stopped", self.name)
            self._leave()
        return bool(self.jobs_done)

    def child(self, task: Task, page: Page, holder: str) -> Child:
        """What a forked child is.

        Args:
            task: What it is to do.
            page: What it shares with this process.
            holder: Under which name it holds leases.
        """
        self._is_horse = True
        self.leases = self._new_leases(holder)
        kind = Crowd if self.settings.concurrency > 1 else Child
        return kind(self.name, self.lane, page, task, self.settings)

    def lane(self, tools: Tools) -> Lane:
        """What a child of this worker leases from.

        Args:
            tools: The child's.
        """
        return RqLane(self, self.leases, self.order, tools)

    def plan(self, task: Task, holder: str) -> Plan:
        """What a spawned child has to know.

        Args:
            task: What it is to do.
            holder: Under which name it holds leases.
        """
        begin = partial(
            _begin, self.name, tuple(self.base_queues), self.order.strategy, task, holder
        )
        return Plan(
            begin=begin,
            connection=connection_of(self.connection),
            slots=self.settings.concurrency,
            path=sys.path,
            parent=os.getpid(),
        )

    @staticmethod
    def new_holder() -> str:
        """A name for one life of a child."""
        return new_holder()

    def leases_of(self, holder: str) -> Leases:
        """The leases of a child, for what this process has to do with them."""
        return self._new_leases(holder)

    def register_again(self) -> None:
        """Write the whole record: it had expired while this process was out of sight."""
        self.connection.hset(self.key, mapping=self.serialize())
        self.connection.expire(self.key, self.worker_ttl + _SHORTEST_TTL)

    def _new_leases(self, holder: str = "") -> Leases:
        return Leases(
            holder or new_holder(),
            worker=self.name,
            lease_seconds=self.settings.lease_seconds,
            keep_finished=self.settings.keep_finished,
            keep_payload=self.settings.keep_payload == "all",
            connection=self.connection,
        )

    def _leave(self) -> None:
        try:
            self.leases.resign()
            self.teardown()  # type: ignore[no-untyped-call]  # rq is typed in part
        except redis.RedisError as error:
            log.warning("worker_not_signed_off", worker=self.name, error=str(error))

    @property
    @override
    def connection_timeout(self) -> int:
        """Seconds to wait for an answer; no command of ours blocks."""
        return max(1, round(self.settings.redis_timeout))

    @override
    def run_maintenance_tasks(self) -> bool:
        """As RQ does, then bury, settle and trim what it leaves behind.

        Returns:
            Whether there is more to do.
        """
        now, client = utc_now(), self.connection
        names = untidy(self.lists, keep=self.settings.keep_failed, connection=client)
        with self._serving_only(names):  # RQ's clean-up asks more than ten times a list
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # rq is typed in part
        more = [
            reconcile(name, settings=self.settings, now=now, connection=client) for name in names
        ]
        remove_old_letters(settings=self.settings, now=now, connection=client)
        return any(more)

    @contextmanager
    def _serving_only(self, names: Collection[str]) -> Iterator[None]:
        every, self.queues = self.queues, [each for each in self.queues if each.name in names]
        try:
            yield
        finally:
            self.queues = every


def _begin(  # noqa: PLR0913, PLR0917 - what a spawned child is told
    name: str,
    queues: Sequence[str],
    strategy: Strategy,
    task: Task,
    holder: str,
    client: redis.Redis,
    page: Page,
) -> int:
    """Be a child that was spawned."""
    worker = MessageWorker(queues, name, connection=client, prepare_for_work=False)
    prepare(queues, worker.settings)
    worker.order.strategy = strategy
    return worker.child(task, page, holder).work()


def _base_names(queues: Sequence[str | Queue]) -> list[str]:
    names = (queue if isinstance(queue, str) else queue.name for queue in queues)
    return list(dict.fromkeys(queue_of(name) for name in names))


def _connection_of(queues: Sequence[str | Queue]) -> redis.Redis:
    for queue in queues:
        if isinstance(queue, Queue):
            return queue.connection
    message = "MessageWorker needs connection=, or rq.Queue objects that have one."
    raise TypeError(message)
