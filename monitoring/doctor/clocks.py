"""Clocks that do not agree. RQ's workers clean up by their own clock, so a wrong one ends jobs."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from monitoring.doctor.finding import Finding, Severity
from monitoring.queues.fleet import WorkerSnapshot
from monitoring.queues.snapshot import Snapshot
from monitoring.words import listed, number, span

_TOLERATED = 2.0  # seconds; NTP keeps hosts within milliseconds
_DANGEROUS = 30.0  # seconds; from here on RQ's clean-up may take a living job for an abandoned one
_REMEDY = "Run an NTP client on every host: `chronyc tracking` or `timedatectl` shows its state."


def clock_findings(snapshot: Snapshot, now: datetime) -> Iterator[Finding]:
    """Compare this machine's clock, and those of the workers, with the server's.

    Args:
        snapshot: The server's time, and the workers' signs of life.
        now: The time of this machine when the snapshot was taken.
    """
    yield from _of_this_machine((now - snapshot.time).total_seconds())
    ahead = [(lead, worker) for worker in snapshot.workers if (lead := _lead(worker, snapshot))]
    if ahead:
        yield _of_workers(ahead)


def _of_this_machine(skew: float) -> Iterator[Finding]:
    if abs(skew) < _TOLERATED:
        return
    yield Finding(
        "clock_skew",
        _severity(abs(skew)),
        f"The clock of this machine is {span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} "
        "that of Redis: times that it writes are off by as much.",
        _REMEDY,
    )


def _of_workers(ahead: Sequence[tuple[float, WorkerSnapshot]]) -> Finding:
    most = max(lead for lead, _ in ahead)
    hosts = sorted({worker.hostname for _, worker in ahead})
    return Finding(
        "worker_clock_skew",
        _severity(most),
        f"{number(len(ahead), 'worker')} on {listed(hosts)} showed life at a time still to come: "
        f"the clock there is ahead of that of Redis, by at least {span(most)}.",
        _REMEDY,
    )


def _severity(skew: float) -> Severity:
    return "critical" if skew >= _DANGEROUS else "warning"


def _lead(worker: WorkerSnapshot, snapshot: Snapshot) -> float:
    """Seconds a worker's clock is surely ahead; 0 if it may be right."""
    if worker.last_heartbeat is None:
        return 0.0
    lead = (worker.last_heartbeat - snapshot.time).total_seconds()
    return lead if lead >= _TOLERATED else 0.0
