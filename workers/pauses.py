"""Pause and resume a queue, a message type or a tenant: new jobs wait, running ones end.

From a paused queue our workers take nothing: the step's own script looks, so no job slips through.
A job of a paused type or tenant is met at the front of its queue, so it is moved aside once, into a
sorted set beside its list, and comes back to the front with the others, in the order they were
taken. Left in the list it would be met again and again, and the others would wait behind it.

Stock workers know none of this: what they serve goes on. `rq suspend` stops every worker.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import redis

from workers import audit, keys
from workers.audit import By
from workers.clock import utc_now
from workers.connection import default_connection, storage_errors
from workers.errors import InvalidOption, InvalidState
from workers.routing import queue_of
from workers.scripts import script

Kind = Literal["queue", "type", "tenant"]

MOST_PAUSES = 1_000
"""Every claim reads the names of all pauses."""

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Pause:
    """What somebody paused.

    Args:
        kind: `queue`, `type` or `tenant`.
        name: Of the queue, of the message type, or of the tenant.
        actor: Who.
        reason: Why.
        at: When; ISO 8601, UTC.
        held: How many jobs it holds back outside their queue; a paused queue keeps its own.
    """

    kind: Kind
    name: str
    actor: str
    reason: str
    at: str
    held: int = 0

    def is_of(self, kind: Kind, name: str) -> bool:
        """Whether it pauses just this."""
        return (self.kind, self.name) == (kind, name)


@dataclass(frozen=True)
class Taken:
    """A job that a worker has taken and not started.

    Args:
        job_id: Its id.
        list_name: The name of the list it was in.
        lease: The key of its worker's leases, and its token among them.
        order: Its place among the jobs that were taken during pauses.
        fields: Its hash when it was taken.
    """

    job_id: str
    list_name: str
    lease: tuple[str, str]
    order: int
    fields: Mapping[bytes, bytes]


def pause(
    kind: Kind,
    name: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> bool:
    """Let no new job of a queue, a type or a tenant start. Running jobs end.

    Args:
        kind: `queue`, `type` or `tenant`.
        name: A queue's name without its priority, a wire name, or a tenant; 1 to 200 characters.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Returns:
        False if it was paused already; then nothing is changed, nor written down.

    Raises:
        InvalidOption: If the name cannot be one, or the actor or the reason is empty.
        InvalidState: If there are 1,000 pauses.
    """
    field, moment = pause_field(kind, _checked(kind, name)), now or utc_now()
    made = by.entry(f"{kind}.pause", target=name, now=moment)
    text = json.dumps({"actor": made.actor, "reason": made.reason, "at": made.at})
    connection = connection or default_connection()
    with storage_errors():
        done: Any = connection.register_script(script("workers", "pause"))(
            keys=[keys.pauses(), keys.audit()],
            args=[field, text, MOST_PAUSES, *audit.arguments(made)],
        )
    if done == -1:
        raise InvalidState(
            f"There are {MOST_PAUSES} pauses.",
            remedy="Resume some; to stop everything use `rq suspend -c worker_settings`.",
        )
    if done:
        audit.tell(made)
    return bool(done)


def resume(
    kind: Kind,
    name: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> int | None:
    """End a pause. What it held back goes to the front of its queue, in its order.

    That is one step for the server, of about 4 ms for each 1,000 held jobs.

    Args:
        kind: As for `pause`, like all that follow.
        name: Of what is paused.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Returns:
        How many jobs were held back; None if it was not paused.

    Raises:
        InvalidOption: If the name cannot be one, or the actor or the reason is empty.
    """
    field = pause_field(kind, _checked(kind, name))
    made = by.entry(f"{kind}.resume", target=name, now=now)
    connection = connection or default_connection()
    with storage_errors():
        released: Any = connection.register_script(script("workers", "resume"))(
            keys=[keys.pauses(), keys.holds(field), keys.audit()],
            args=[
                field,
                keys.held(field, ""),
                keys.queue(""),
                keys.job_prefix(),
                *audit.arguments(made),
            ],
        )
    if released < 0:
        return None
    audit.tell(made, released=released)
    return int(released)


def is_paused(kind: Kind, name: str, *, connection: redis.Redis | None = None) -> bool:
    """Whether a queue, a type or a tenant is paused.

    Args:
        kind: `queue`, `type` or `tenant`.
        name: Its name.
        connection: Where; None means the server that the settings name.
    """
    connection = connection or default_connection()
    with storage_errors():
        return bool(connection.hexists(keys.pauses(), pause_field(kind, name)))


def pauses(*, connection: redis.Redis | None = None) -> Sequence[Pause]:
    """All that is paused, oldest first.

    Args:
        connection: Where; None means the server that the settings name.
    """
    connection = connection or default_connection()
    with storage_errors():
        stored: Any = connection.hgetall(keys.pauses())
        found = [_read(field.decode(), text, connection) for field, text in stored.items()]
    return sorted(found, key=lambda each: each.at)


def held_sets(name: str, *, connection: redis.Redis) -> Sequence[str]:
    """The keys of the sorted sets in which jobs of a list are held back.

    Args:
        name: The name of the list.
        connection: Where.
    """
    fields: Any = connection.hkeys(keys.pauses())
    return [keys.held(field.decode(), name) for field in fields]


def hold(taken: Taken, paused: str, *, connection: redis.Redis) -> bool:
    """Move a taken job aside until its pause ends. For workers.

    Args:
        taken: The job.
        paused: The pause, as `type:EMAIL`.
        connection: Where.

    Returns:
        False if the pause is over, and the job may run.
    """
    return bool(
        connection.register_script(script("workers", "hold"))(
            keys=[
                keys.pauses(),
                keys.holds(paused),
                keys.held(paused, taken.list_name),
                taken.lease[0],
                keys.started(taken.list_name),
                keys.job(taken.job_id),
            ],
            args=[
                paused,
                taken.job_id,
                taken.list_name,
                taken.order,
                taken.lease[1],
            ],
        )
    )


def pause_field(kind: Kind, name: str) -> str:
    """How a pause is called in Redis: `type:EMAIL`."""
    return f"{kind}:{name}"


def marks_of(envelope: Any) -> Iterator[str]:
    """The pauses that would hold a message back, of its type and its tenant.

    Args:
        envelope: The message as stored; it may be anything.

    Yields:
        Names as `type:EMAIL`.
    """
    if not isinstance(envelope, dict):
        return
    metadata = envelope.get("metadata")
    tenant = metadata.get("tenant") if isinstance(metadata, dict) else None
    named: Sequence[tuple[Kind, Any]] = (("type", envelope.get("messageType")), ("tenant", tenant))
    yield from (pause_field(kind, name) for kind, name in named if isinstance(name, str))


def as_pause(field: str, text: bytes, *, held: int = 0) -> Pause:
    """A pause as it stands in Redis.

    Args:
        field: As `pause_field` calls it.
        text: Who, why and when, as JSON.
        held: How many jobs it holds back outside their queue.
    """
    kind, _, name = field.partition(":")
    known: Kind = next(each for each in get_args(Kind) if each == kind)
    return Pause(kind=known, name=name, held=held, **json.loads(text))


def _read(field: str, text: bytes, connection: redis.Redis) -> Pause:
    lists: Any = connection.smembers(keys.holds(field))
    held = sum(connection.zcard(keys.held(field, each.decode())) for each in lists)
    return as_pause(field, text, held=held)


def _checked(kind: Kind, name: str) -> str:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidOption(
            f"{name!r} cannot be the name of a {kind}.",
            field=kind,
            remedy=f"Use 1 to {_LONGEST_NAME} characters.",
        )
    if kind == "queue" and queue_of(name) != name:
        raise InvalidOption(
            f"{name} is one list of the queue {queue_of(name)}.",
            field=kind,
            remedy=f"Pause {queue_of(name)}: its three lists are paused together.",
        )
    return name
