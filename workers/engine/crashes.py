"""Jobs whose process died: run again with a pause, and buried when they kill every process.

Such a crash says nothing about the message, so it does not use up the user's attempts.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rq.utils import utcparse

from workers import attempts, keys
from workers.burial import Death, bury_job
from workers.clock import iso, utc_now, written_now
from workers.dependents import settle_dependents
from workers.engine import ends
from workers.engine.leases import Leases
from workers.engine.step import Lease
from workers.logger import get_logger
from workers.lost import CRASH_LIMIT, PAUSES, crash_record, release_of
from workers.release import code_version
from workers.settings import load_settings

log = get_logger("postroom.lost")


@dataclass(frozen=True)
class _Crash:
    error: str
    worker: str
    release: str
    began: datetime | None


def crashed(leases: Leases, lease: Lease, error: str, *, ran_by: str | None = None) -> None:
    """End a run whose process died: its job runs again, or is buried.

    Args:
        leases: Who has the job now.
        lease: The job.
        error: What is known about the death.
        ran_by: Who ran it, if its record does not tell: None means the worker of the leases, and
            an empty name that nobody knows.
    """
    crash = _seen(leases, lease, error, ran_by)
    past = attempts.history(lease.job_id, connection=leases.connection)
    crashes = sum(entry.outcome == "crashed" for entry in past) + 1
    if crashes < CRASH_LIMIT:
        _again(leases, lease, past, crash, PAUSES[crashes - 1])
    elif leases.holds(lease):
        _bury(leases, lease, past, crash)


def _again(
    leases: Leases,
    lease: Lease,
    past: Sequence[attempts.AttemptRecord],
    crash: _Crash,
    delay: int,
) -> None:
    record = _record(past, crash, delay, "")
    log.warning("job_lost_its_process", job_id=lease.job_id, error=crash.error, delay_seconds=delay)
    counted = (ends.stat(lease.list_name, "unknown"), "", "crashed", 0, "", "")
    leases.again(
        lease,
        (
            delay * 1000,
            written_now(),
            json.dumps(asdict(record)),
            attempts.KEPT,
            _ttl(leases, lease),
            "",
            *counted,
        ),
    )


def _bury(
    leases: Leases, lease: Lease, past: Sequence[attempts.AttemptRecord], crash: _Crash
) -> None:
    fields: Any = leases.connection.hgetall(keys.job(lease.job_id))
    envelope = ends.salvaged(fields)
    kind = ends.type_of(envelope)
    record, now = _record(past, crash, None, kind), utc_now()
    death = Death(
        job_id=lease.job_id,
        queue=lease.list_name,
        reason="crash_loop",
        error=f"{CRASH_LIMIT} processes died while they ran it; the last: {crash.error}",
        envelope=envelope,
    )
    began, over = datetime.fromisoformat(record.started_at).timestamp(), now.timestamp()
    unique = fields.get(b"unique_key", b"").decode(errors="replace")
    failed = (
        lease.job_id,
        lease.execution,
        lease.list_name,
        iso(began),
        iso(over),
        began,
        over,
        _ttl(leases, lease),
        unique,
        -1,
        ends.stat(lease.list_name, kind),
        "",
        0,
        "",
        record.failure,
    )
    bury_job(
        death,
        meta=_meta(fields),
        now=now,
        connection=leases.connection,
        past=(*past, record),
        ending=ends.ending(leases, death.error, failed),
    )
    settle_dependents(lease.job_id, connection=leases.connection)


def _record(
    past: Sequence[attempts.AttemptRecord], crash: _Crash, delay: int | None, kind: str
) -> attempts.AttemptRecord:
    now = utc_now()
    number = attempts.next_attempt(past, now=now).number
    started = min(crash.began or now, now)
    return crash_record(
        number,
        crash.error,
        worker=crash.worker,
        release=crash.release,
        started=started,
        seconds=(now - started).total_seconds(),
        delay=delay,
        kind=kind,
    )


def _seen(leases: Leases, lease: Lease, error: str, ran_by: str | None) -> _Crash:
    began, worker = _shown(leases, lease)
    if worker:  # perhaps one that lived before, under the same name
        since = began or utc_now()
        release = release_of(worker, began=since, connection=leases.connection)
        return _Crash(error, worker, release, began)
    if ran_by is None:
        return _Crash(error, leases.worker, code_version(load_settings().code_version), began)
    return _Crash(error, ran_by, "", began)


def _shown(leases: Leases, lease: Lease) -> tuple[datetime | None, str]:
    """When a run began and whose it was, as RQ's readers see it.

    Whoever took over from a dead worker did not run the job. Of a run that died before it was shown
    neither is known; it was short.
    """
    names = ["status", "started_at", "worker_name"]
    stored: Any = leases.connection.hmget(keys.job(lease.job_id), names)
    status, began, worker = stored
    if status != b"started":
        return None, ""
    try:
        time = utcparse(began.decode()) if began else None
    except ValueError:
        time = None
    return time, (worker or b"").decode(errors="replace")


def _ttl(leases: Leases, lease: Lease) -> int:
    stored: Any = leases.connection.hget(keys.job(lease.job_id), "failure_ttl")
    asked = int(stored) if stored is not None and stored.isdigit() else None
    # A record says nothing where its sender's settings are the usual ones.
    return max(load_settings().failure_ttl if asked is None else asked, attempts.MIN_TTL)


def _meta(fields: dict[bytes, bytes]) -> dict[str, Any]:
    try:
        meta = json.loads(fields.get(b"meta", b"{}"))
    except ValueError:
        return {}
    return meta if isinstance(meta, dict) else {}
