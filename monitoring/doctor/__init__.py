"""Looks for what is wrong, or soon will be, and says what to do about it. Only reads.

A file here is an area: the server, this user's permissions, the clocks, the queues, the workers.
Each is a function from facts to findings.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import redis

from monitoring.doctor.channels import channel_findings
from monitoring.doctor.clocks import clock_findings
from monitoring.doctor.finding import Finding, Probe, Severity
from monitoring.doctor.leases import lease_findings
from monitoring.doctor.permissions import permission_findings
from monitoring.doctor.queues import queue_findings
from monitoring.doctor.server import read_server, server_findings
from monitoring.doctor.workers import worker_findings
from monitoring.queues.snapshot import Counts, take_snapshot
from workers.connection import storage_errors
from workers.errors import StorageRefused, StorageUnavailable
from workers.settings import Settings

__all__ = ["Finding", "Probe", "Severity", "examine"]

_ORDER: Sequence[Severity] = ("critical", "warning", "info")


def examine(
    *, connection: redis.Redis, settings: Settings, now: datetime, probes: Sequence[Probe] = ()
) -> list[Finding]:
    """Look at everything once.

    Args:
        connection: The server; its timeouts bound how long a silent one is waited for.
        settings: The queues that are wanted, and the limits.
        now: The time of this machine, as an aware UTC time.
        probes: What to try outside Redis.

    Returns:
        What was found, the most urgent first; empty if all is well.
    """
    found: list[Finding] = []
    try:
        found += _of_redis(connection, settings, now)
    except StorageUnavailable as error:
        found.append(Finding("redis_unreachable", "critical", error.message, error.remedy))
    for probe in probes:
        found += probe.findings()
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def _of_redis(connection: redis.Redis, settings: Settings, now: datetime) -> Iterator[Finding]:
    began = time.monotonic()
    with storage_errors():
        server = read_server(connection)
        yield from permission_findings(connection)
        elapsed = timedelta(seconds=time.monotonic() - began)
    try:
        with storage_errors():
            snapshot = take_snapshot(connection=connection, queues=settings.queues)
            yield from clock_findings(snapshot, now + elapsed)
            yield from worker_findings(snapshot, settings, connection)
            yield from queue_findings(snapshot, connection, letter_limit=settings.dead_letter_limit)
            yield from lease_findings(snapshot, connection)
            yield from channel_findings(snapshot.time, connection)
            jobs = snapshot.total
    except StorageRefused as error:
        jobs = Counts()
        yield Finding("queues_unreadable", "critical", error.message, error.remedy)
    yield from server_findings(server, jobs)
