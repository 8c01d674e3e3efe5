"""Clean up by policy: remove ended jobs by queue, state and age, and keep the newest.

Dead letters stay. With `dry_run` nothing is removed, and the answer is the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import redis
from pydantic import JsonValue
from rq.utils import utcparse

from workers import keys
from workers.audit import By
from workers.clearing import AT_ONCE
from workers.clock import utc_now
from workers.connection import default_connection, storage_errors
from workers.discarding import discard
from workers.errors import InvalidOption
from workers.routing import Priority, list_name, queue_of

State = Literal["completed", "failed", "canceled"]

SHOWN = 100
"""Ids in the answer at most."""

_REGISTRIES = {"completed": keys.finished, "failed": keys.failed, "canceled": keys.canceled}


@dataclass(frozen=True)
class CleanupPolicy:
    """Which ended jobs to remove.

    Args:
        queue: Of which queue; its three lists are looked through.
        state: `completed`, `failed` (also stopped ones), or `canceled`.
        older_than: Only those that ended at least so long ago; zero means any.
        keep_newest: How many of each list stay in any case, those that RQ would remove last;
            from 0.
    """

    queue: str
    state: State
    older_than: timedelta = timedelta()
    keep_newest: int = 0


@dataclass(frozen=True)
class Cleaned:
    """What a policy removed, or would remove.

    Args:
        count: How many jobs.
        ids: Up to 100 of them.
    """

    count: int
    ids: Sequence[str]


def clean(  # noqa: PLR0913 - what, by whom, when, where
    policy: CleanupPolicy,
    *,
    dry_run: bool = False,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
    progress: Callable[[int, None], object] | None = None,
) -> Cleaned:
    """Remove the jobs that a policy names, in short steps.

    Args:
        policy: Which.
        dry_run: Whether only to look; that leaves no audit entry.
        by: Who does it, and why; a policy that runs by itself gives its own name.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.
        progress: Called after each step with how many were removed; how many there are in all
            is not known before.

    Returns:
        What was removed, or would be.

    Raises:
        InvalidOption: If the policy cannot be used, or the actor or the reason is empty.
    """
    _check(policy)
    moment = now or utc_now()
    connection = connection or default_connection()
    with storage_errors():
        if not dry_run:
            _write_down(policy, by, moment, connection)
        found, count, shown = 0, 0, list[str]()
        for registry, ids in _chosen(policy, moment, connection):
            found += len(ids)
            count += len(ids) if dry_run else discard(registry, ids, connection=connection)
            if progress is not None:
                progress(count, None)
            shown += [job_id.decode(errors="replace") for job_id in ids[: SHOWN - len(shown)]]
        if not dry_run:
            by.record_end(
                "queue.clean",
                target=policy.queue,
                before=found,
                after=found - count,
                now=moment,
                connection=connection,
            )
    return Cleaned(count, shown)


def _write_down(policy: CleanupPolicy, by: By, now: datetime, connection: redis.Redis) -> None:
    details: dict[str, JsonValue] = {
        "state": policy.state,
        "olderThanSeconds": policy.older_than.total_seconds(),
        "keepNewest": policy.keep_newest,
    }
    by.record("queue.clean", target=policy.queue, details=details, now=now, connection=connection)


def _chosen(
    policy: CleanupPolicy, now: datetime, connection: redis.Redis
) -> Iterator[tuple[str, list[bytes]]]:
    for priority in Priority:
        registry = _REGISTRIES[policy.state](list_name(policy.queue, priority))
        # From the end of the old ones to their begin: what is removed moves nothing still to come.
        end = int(connection.zcard(registry)) - policy.keep_newest
        for begin in range((max(end, 0) - 1) // AT_ONCE * AT_ONCE, -1, -AT_ONCE):
            last = min(begin + AT_ONCE, end) - 1
            ids: Any = connection.zrange(registry, begin, last)
            old = _old(ids, now - policy.older_than, connection)
            if old:
                yield registry, old


def _old(ids: Sequence[bytes], before: datetime, connection: redis.Redis) -> list[bytes]:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(keys.job(job_id.decode(errors="replace")), ["ended_at", "created_at"])
        times = pipe.execute()
    return [job_id for job_id, known in zip(ids, times, strict=True) if _is_before(known, before)]


def _is_before(known: Sequence[bytes | None], before: datetime) -> bool:
    # A cancelled job has not ended in RQ's words; a record that is gone or unreadable is old.
    text = next((value for value in known if value), None)
    try:
        return text is None or utcparse(text.decode()) <= before
    except ValueError:
        return True


def _check(policy: CleanupPolicy) -> None:
    if policy.state not in _REGISTRIES:
        raise InvalidOption(
            f"Jobs in the state {policy.state!r} are not cleaned up.",
            field="state",
            remedy=f"Use {', '.join(_REGISTRIES)}.",
        )
    if queue_of(policy.queue) != policy.queue or not policy.queue:
        raise InvalidOption(
            f"{policy.queue!r} is not the name of a queue.",
            field="queue",
            remedy="Name it without :high or :low: its three lists are looked through.",
        )
    if policy.keep_newest < 0 or policy.older_than < timedelta():
        raise InvalidOption(
            "A policy cannot have negative numbers.",
            field="keep_newest" if policy.keep_newest < 0 else "older_than",
            remedy="Use 0 or more.",
        )
