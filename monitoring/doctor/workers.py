"""Queues without workers, and workers that do not fit together."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import redis
from rq.defaults import DEFAULT_WORKER_TTL

from monitoring.doctor.finding import Finding, Severity
from monitoring.queues.fleet import WorkerSnapshot
from monitoring.queues.many_lists import oldest_waiting
from monitoring.queues.snapshot import Counts, QueueSnapshot, Snapshot, queue_lists
from monitoring.words import are, listed, number, span
from workers.routing import Priority, list_name, queue_of
from workers.settings import Settings

_SILENT = 30.0  # seconds; ours show life every 4 s, and after 15 s lose their jobs to others
_STOCK_SILENT = DEFAULT_WORKER_TTL + 60.0  # an idle one of RQ's shows life each 405 s


def worker_findings(
    snapshot: Snapshot, settings: Settings, connection: redis.Redis
) -> Iterator[Finding]:
    """Judge who works on what.

    Args:
        snapshot: The queues and workers.
        settings: Which queues are ours; those of other applications need no three lists.
        connection: Where they are.
    """
    lists = [name for queue in snapshot.queues for name in queue_lists(queue)]
    ages = oldest_waiting(lists, time=snapshot.time, connection=connection)
    own = {queue_of(name) for name in settings.queues}
    for queue in snapshot.queues.values():
        yield from served_findings(queue, snapshot, ages, is_own=queue.name in own)
    yield from _stock(snapshot)
    yield from _silent(snapshot)
    yield from _versions(snapshot)


def served_findings(
    queue: QueueSnapshot, snapshot: Snapshot, ages: Mapping[str, float], *, is_own: bool
) -> Iterator[Finding]:
    """Tell of a queue's lists that no worker listens to.

    Args:
        queue: The queue.
        snapshot: The workers.
        ages: How long the oldest job of each list has waited, in seconds.
        is_own: Whether it is one of the settings, which need all three lists.
    """
    if not snapshot.listening(*queue_lists(queue.name)):
        yield from _unserved(queue, ages)
    else:
        yield from _half_served(queue, snapshot, ages, is_own=is_own)


def _unserved(queue: QueueSnapshot, ages: Mapping[str, float]) -> Iterator[Finding]:
    jobs = queue.total
    if not jobs.waiting and not jobs.scheduled:
        return
    yield Finding(
        "no_worker",
        "critical" if jobs.waiting else "warning",
        f"No worker listens to {queue.name}: {_waiting(jobs, queue_lists(queue.name), ages)}.",
        f"`postroom worker {queue.name}`",
    )


def _half_served(
    queue: QueueSnapshot, snapshot: Snapshot, ages: Mapping[str, float], *, is_own: bool
) -> Iterator[Finding]:
    missing = [p for p in Priority if not snapshot.listening(list_name(queue.name, p))]
    jobs = sum((queue.lists[priority] for priority in missing), Counts())
    if not jobs.waiting and not (missing and is_own):
        return
    names = [list_name(queue.name, priority) for priority in missing]
    yield Finding(
        "list_without_worker",
        "critical" if jobs.waiting else "warning",
        f"{queue.name} has workers, but none of them listens to {listed(names)}: "
        f"{_waiting(jobs, names, ages)}.",
        f"`postroom worker {queue.name}` serves all three lists; a stock worker has to be started "
        "with the three names.",
    )


def _waiting(jobs: Counts, lists: Sequence[str], ages: Mapping[str, float]) -> str:
    oldest = max((ages[name] for name in lists if name in ages), default=None)
    since = "" if oldest is None else f", the oldest for {span(oldest)}"
    told = []
    if jobs.waiting:
        told.append(f"{number(jobs.waiting, 'job')} {are(jobs.waiting)} waiting there{since}")
    if jobs.scheduled:
        told.append(f"{number(jobs.scheduled, 'job')} {are(jobs.scheduled)} to go there later")
    return "; ".join(told) or "what is sent there will not be run"


def _stock(snapshot: Snapshot) -> Iterator[Finding]:
    stock = [worker for worker in snapshot.workers if worker.is_stock]
    if not stock:
        return
    yield Finding(
        "stock_worker",
        "warning",
        f"{number(len(stock), 'stock RQ worker')} at work: {listed([_where(w) for w in stock])}. "
        "Such a worker runs any function that a job names: ALLOW_FOREIGN_JOBS does not bind it.",
        "Replace them: `postroom worker QUEUE`, or `rq worker -w workers.MessageWorker "
        "-c worker_settings QUEUE`.",
    )


def _silent(snapshot: Snapshot) -> Iterator[Finding]:
    silent = [(age, worker) for worker in snapshot.workers if (age := _silence(worker, snapshot))]
    if not silent:
        return
    yield Finding(
        "worker_silent",
        "warning",
        f"{number(len(silent), 'worker')} showed no life for {span(max(a for a, _ in silent))}: "
        f"{listed([_where(worker) for _, worker in silent])}. Killed, stuck, or with a clock that "
        "is behind by as much.",
        "Look for the process on its host; the record of one that was killed goes by itself "
        "within 8 minutes.",
    )


def _silence(worker: WorkerSnapshot, snapshot: Snapshot) -> float:
    """Seconds for which a worker was silent; 0 if that is nothing unusual."""
    if worker.last_heartbeat is None:
        return 0.0
    age = (snapshot.time - worker.last_heartbeat).total_seconds()
    return age if age >= (_STOCK_SILENT if worker.is_stock else _SILENT) else 0.0


def _versions(snapshot: Snapshot) -> Iterator[Finding]:
    workers = snapshot.workers
    kinds: Sequence[tuple[str, Severity, str, Sequence[str | None]]] = (
        ("mixed_rq_versions", "warning", "RQ", [worker.version for worker in workers]),
        ("mixed_python_versions", "info", "Python", [worker.python_version for worker in workers]),
        ("mixed_code_versions", "warning", "the code", [worker.code_version for worker in workers]),
    )
    for code, severity, noun, told in kinds:
        counts = Counter(filter(None, told))
        if len(counts) > 1:
            shown = [f"{version} ({count})" for version, count in counts.most_common()]
            yield Finding(
                code,
                severity,
                f"The workers run different versions of {noun}: {listed(shown)}.",
                "Finish the deployment: restart the workers that run the older one.",
            )


def _where(worker: WorkerSnapshot) -> str:
    return f"process {worker.pid} on {worker.hostname}"
