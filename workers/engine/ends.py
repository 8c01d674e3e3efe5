"""What the scripts need to know of a run that is over, as `step`, `again` and `bury` take it."""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from pydantic_core import to_json

from messages import Message
from workers import attempts, dead_letters, keys
from workers.attempts import AttemptRecord
from workers.clock import iso, utc_now, written_now
from workers.dead_letters.ending import Ending
from workers.engine.alike import Terms
from workers.engine.groups import SEPARATOR
from workers.engine.leases import Leases
from workers.engine.plain import Plain
from workers.engine.step import Lease
from workers.record import JOB_FUNCTION
from workers.routing import queue_of
from workers.runs import Run
from workers.scripts import script

_UNKNOWN = "unknown"


def success(lease: Lease, run: Run, job: Plain, message: Message, result: Any) -> bytes:
    """A run that succeeded, in two parts of JSON. Written by hand: it is done for every job.

    Args:
        lease: Its lease.
        run: The run.
        job: What its record says.
        message: The message.
        result: What the handler returned, as JSON data.

    Returns:
        What it may have in common with others, `SEPARATOR`, and what is its own, without line
        feeds; `success_from` reads it.
    """
    began, took = run.began, run.seconds
    over = began + took
    ttl = run.settings.result_ttl if job.result_ttl is None else job.result_ttl
    tenant = tenant_of(message) if message.metadata else ""
    common = _common(lease.execution, job.terms, ttl, message.message_type, tenant)
    returned = '""' if result is None else _returned(result, began, over)
    own = (
        f'[{quoted(lease.job_id)},"{iso(began)}","{iso(over)}",{returned},'
        f"{int(took * 1_000_000)},{int(run.waited * 1_000_000)}]"
    )
    return common + own.encode()


def success_from(made: bytes) -> tuple[Lease, datetime, Any]:
    """Read what `success` made.

    Args:
        made: Of a child that has died.

    Returns:
        The lease, the start, and what the handler returned.
    """
    common, own = (json.loads(part) for part in made.split(SEPARATOR))
    execution, list_name, *_ = common
    job_id, started, _, result, *_ = own
    value = json.loads(b64decode(result[0])) if result else None
    return Lease(job_id, list_name, execution, {}), datetime.fromisoformat(started), value


def failure(  # noqa: PLR0913, PLR0917 - the facts of one run
    lease: Lease, run: Run, kind: str, tenant: str, job: Plain, failed: str = ""
) -> Sequence[Any]:
    """A run that failed for good, for JSON.

    Args:
        lease: Its lease.
        run: The run.
        kind: The message type that it claims.
        tenant: The message's, or empty.
        job: What its record says.
        failed: What its kind's group is told, as `AttemptRecord.failure`.
    """
    began = run.began
    over = began + run.seconds
    return (
        lease.job_id,
        lease.execution,
        lease.list_name,
        iso(began),
        iso(over),
        began,
        over,
        run.settings.failure_ttl if job.failure_ttl is None else job.failure_ttl,
        job.terms.unique_key,
        run.meta.get("keep_failed", -1),
        stat(lease.list_name, kind),
        tenant,
        _micro(run.seconds),
        _micro(run.waited),
        failed,
    )


def refusal_ending(leases: Leases, lease: Lease, error: str, *, ttl: int, remove: bool) -> Ending:
    """The end of a job that was not let in, as `bury` takes it.

    Args:
        leases: Whose lease it is.
        lease: The job.
        error: What RQ's readers are to see.
        ttl: Seconds that RQ's record is kept.
        remove: Whether the record is to be removed instead.
    """
    now = utc_now().timestamp()
    unique = lease.fields.get(b"unique_key", b"").decode(errors="replace")
    who = (lease.job_id, lease.execution, lease.list_name)
    counted = (stat(lease.list_name, _UNKNOWN), "", 0, "")
    failed = (*who, iso(now), iso(now), now, now, ttl, unique, -1, *counted)
    return ending(leases, error, failed, remove=remove)


def ending(leases: Leases, error: str, failed: Sequence[Any], *, remove: bool = False) -> Ending:
    """The end of a run as `bury` takes it.

    Args:
        leases: Whose lease it is.
        error: What RQ's readers are to see.
        failed: See `failure`.
        remove: Whether the job's record is to be removed instead of failed.
    """
    run = (
        keys.rq_prefix(),
        keys.our_prefix(),
        leases.holder,
        leases.worker,
        b64encode(zlib.compress(error.encode(errors="replace"))).decode(),
        failed,
        remove,
    )
    return Ending(_end_job(), json.dumps(run))


@lru_cache(maxsize=1)
def _end_job() -> str:
    return script("workers", "ending") + script("workers.engine", "end_job")


def restart(  # noqa: PLR0913 - the facts of one run
    run: Run,
    delay: float,
    record: AttemptRecord | None,
    *,
    outcome: str,
    kind: str = _UNKNOWN,
    tenant: str = "",
    meta: bool = False,
) -> Sequence[str | float]:
    """A run after which its job runs again, as `again` takes it.

    Args:
        run: The run.
        delay: Seconds until then; 0 means at once.
        record: What the history shall say of it.
        outcome: `retried`, `handed_back` or `crashed`, for the counters.
        kind: The message type that it claims.
        tenant: The message's, or empty.
        meta: Whether the job's meta has changed.
    """
    return (
        round(delay * 1000),
        written_now(),
        "" if record is None else json.dumps(asdict(record)),
        attempts.KEPT,
        run.history_ttl,
        json.dumps(run.meta) if meta else "",
        stat(run.list_name, kind),
        tenant,
        outcome,
        _micro(run.seconds),
        _micro(run.waited),
        "" if record is None else record.failure,
    )


def tenant_of(message: Message | None) -> str:
    """The tenant that a message names; empty if none."""
    metadata = message.metadata if message is not None else None
    tenant = metadata.get("tenant") if metadata else None
    return tenant if isinstance(tenant, str) else ""


def type_of(envelope: Any) -> str:
    """The message type that an envelope claims.

    Args:
        envelope: The message, or what stands in its place.
    """
    claimed = envelope.get("messageType") if isinstance(envelope, dict) else None
    return claimed if isinstance(claimed, str) else _UNKNOWN


def stat(list_name: str, kind: str) -> str:
    """Under which name a run is counted: its queue and its type."""
    return f"{queue_of(list_name)}|{kind.replace('|', '_')}"


def salvaged(fields: Mapping[bytes, bytes]) -> Any:
    """The message in a record that cannot be read as a job, else the record's fields as text.

    Args:
        fields: The job's hash.
    """
    data = fields.get(b"data", b"")
    try:
        text = zlib.decompressobj().decompress(data, dead_letters.MAX_DATA)
    except zlib.error:
        text = data
    try:
        function, _, arguments, _ = json.loads(text)
    except (ValueError, TypeError):
        function, arguments = "", ()
    if function == JOB_FUNCTION and len(arguments) == 1:
        return arguments[0]
    return {name.decode(errors="replace"): _shown(value) for name, value in fields.items()}


def _shown(value: bytes) -> str:
    return value[: dead_letters.MAX_DATA].decode(errors="replace")


@lru_cache(maxsize=100)
def _common(execution: str, terms: Terms, ttl: int, kind: str, tenant: str) -> bytes:
    name, keep = terms.list_name, terms.meta.get("keep_completed", -1)
    parts = (execution, name, ttl, terms.unique_key, keep, stat(name, kind), tenant)
    return json.dumps(parts).encode() + SEPARATOR


def _returned(result: Any, began: float, over: float) -> str:
    stored = b64encode(to_json(result)).decode()
    return f'["{stored}","{began}","{over}"]'


def _micro(seconds: float) -> int:
    return max(0, int(seconds * 1_000_000))
