"""Workers in one process or in several, as `rq worker` and `rq worker-pool` run them."""

from multiprocessing.process import BaseProcess
from typing import Any

from rq.serializers import JSONSerializer
from rq.worker_pool import ForkProcess, WorkerPool
from typing_extensions import override

from workers import MessageWorker, Settings
from workers.connection import connect
from workers.engine.away import Away
from workers.engine.startup import prepare


def run_workers(queues: list[str], settings: Settings, *, count: int, burst: bool) -> None:
    """Run workers until they are told to end, or in burst mode until nothing waits.

    Where RQ is suspended, or Redis does not answer, they wait; `rq worker` would not start.

    Args:
        queues: What they serve, most urgent first.
        settings: Where Redis is, and what the application is.
        count: How many, from 1; one that dies is started again.
        burst: Whether to end when nothing waits.

    Raises:
        HandlerNotFound: If they could not serve a queue; also any other error of loading.
    """
    prepare(queues, settings)
    Away("postroom worker").insist(lambda: connect(settings).ping())
    if count == 1:
        _run_one(queues, settings, burst=burst)
        return
    pool = _Pool(queues, connect(settings), count, MessageWorker, JSONSerializer)
    pool.settings = settings
    pool.start(burst=burst, logging_level=settings.log_level)


def _run_one(
    queues: list[str], settings: Settings, *, burst: bool, name: str | None = None
) -> None:
    worker = MessageWorker(queues, name, connection=connect(settings))
    worker.work(burst=burst)


class _Pool(WorkerPool):
    """RQ's pool. Its processes connect as the settings say, Sentinel included."""

    settings: Settings

    @override
    def get_worker_process(self, name: str, burst: bool, *_: Any, **__: Any) -> BaseProcess:
        options = {"burst": burst, "name": name}
        process: BaseProcess = ForkProcess(
            target=_run_one, args=(self._queue_names, self.settings), kwargs=options
        )
        return process
