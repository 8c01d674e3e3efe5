"""What the scripts of streams need to know of a run that is over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from messages import Message
from workers import attempts, keys
from workers.attempts import AttemptRecord
from workers.dead_letters.ending import Ending
from workers.engine.groups import SEPARATOR
from workers.runs import Run
from workers.scripts import script
from workers.streams.entry import Entry, successor_of
from workers.streams.hands import Holder
from workers.streams.naming import StreamName
from workers.wire import Stored

_UNKNOWN = "unknown"


def success(entry: Entry, run: Run, message: Message, name: StreamName) -> bytes:
    """A run that succeeded, in two parts of JSON. Written by hand: it is done for every message.

    Args:
        entry: Its entry.
        run: The run.
        message: The message.
        name: What the stream's key says.

    Returns:
        What it may have in common with others, `SEPARATOR`, and what is its own, without line
        feeds; `success_from` reads it.
    """
    tenant = name.tenant or message.tenant or ""
    common = _common(entry.list_name, stat(name, message.message_type), tenant)
    took, waited = int(run.seconds * 1_000_000), int(run.waited * 1_000_000)
    return common + f'["{entry.execution}",{took},{waited}]'.encode()


def success_from(made: bytes) -> tuple[str, str]:
    """Read what `success` made.

    Returns:
        The key of the stream, and the entry's id.
    """
    common, own = (json.loads(part) for part in made.split(SEPARATOR))
    return common[0], own[0]


def restart(  # noqa: PLR0913 - the facts of one run
    entry: Entry,
    run: Run,
    name: StreamName,
    record: AttemptRecord | None,
    *,
    outcome: str,
    kind: str = _UNKNOWN,
    delay: float,
    meta: Mapping[str, Any],
    is_start: bool = True,
) -> Sequence[Stored]:
    """A run after which its message runs again, as `again` takes it.

    Args:
        entry: Its entry.
        run: The run.
        name: What the stream's key says.
        record: What the history shall say of it.
        outcome: `retried`, `handed_back`, `crashed` or `held`, for the counters.
        kind: The message type that it claims.
        delay: Seconds until then; 0 means at once.
        meta: What is to be remembered of the message.
        is_start: Whether a handler was started.
    """
    restarts = run.record.restarts + int(is_start)
    return (
        entry.job_id,
        round(delay * 1000),
        "" if record is None else json.dumps(asdict(record)),
        attempts.KEPT,
        run.history_ttl,
        stat(name, kind),
        name.tenant,
        outcome,
        int(run.seconds * 1_000_000),
        int(run.waited * 1_000_000),
        "" if record is None else record.failure,
        *successor_of(entry, restarts=restarts, meta=meta),
    )


def ending(  # noqa: PLR0913 - the facts of one run
    holder: Holder,
    entry: Entry,
    run: Run,
    name: StreamName,
    *,
    kind: str = _UNKNOWN,
    failed: str = "",
) -> Ending:
    """The end of a run with which its message is buried.

    Args:
        holder: Who has the entry.
        entry: Its entry.
        run: The run.
        name: What the stream's key says.
        kind: The message type that it claims.
        failed: What its kind's group is told, as `AttemptRecord.failure`.
    """
    facts = (
        keys.our_prefix(),
        holder.group,
        holder.consumer,
        entry.list_name,
        entry.execution,
        stat(name, kind),
        name.tenant,
        int(run.seconds * 1_000_000),
        int(run.waited * 1_000_000),
        failed,
        entry.job_id,
    )
    return Ending(_end_entry(), json.dumps(facts))


def stat(name: StreamName, kind: str) -> str:
    """Under which name a run is counted: the streams of all tenants together, and its type."""
    return f"{name.family}|{kind.replace('|', '_')}"


@lru_cache(maxsize=1_000)
def _common(stream: str, counted: str, tenant: str) -> bytes:
    return json.dumps((stream, counted, tenant)).encode() + SEPARATOR


@lru_cache(maxsize=1)
def _end_entry() -> str:
    names = (("workers", "ending"), ("workers.streams", "fence"), ("workers.streams", "end_entry"))
    return "".join(script(package, name) for package, name in names)
