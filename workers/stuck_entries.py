"""Does with the run of an entry that takes too long what the policy of its type says. Once."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from pydantic import JsonValue

from workers import audit, keys, stream_keys
from workers.audit import AuditEntry, By
from workers.clock import utc_now
from workers.connection import storage_errors
from workers.errors import InvalidOption
from workers.scripts import script
from workers.streams.orders import Order
from workers.stuck_policies import StuckPolicy
from workers.stuck_runs import ACTOR, ANSWERS, MARK_TTL, Done

_ORDER_TTL = 600  # seconds; a worker looks every few, or its consumer is soon taken for dead


@dataclass(frozen=True)
class StuckEntry:
    """An entry that a consumer runs for too long.

    Args:
        job_id: The id of its message.
        stream: The key of its stream.
        entry_id: Its id there.
        group: The consumer group.
        consumer: Who runs it.
        kind: Its message type; empty if it is none.
        seconds: How long it has been running.
    """

    job_id: str
    stream: str
    entry_id: str
    group: str
    consumer: str
    kind: str
    seconds: float

    @property
    def mark_key(self) -> str:
        """Where it stands what was done with this run; that of another consumer is another one."""
        return stream_keys.stuck_entry(self.group, self.consumer, self.stream, self.entry_id)


def resolve_entry(
    entry: StuckEntry,
    policy: StuckPolicy,
    *,
    now: datetime | None = None,
    connection: redis.Redis,
) -> Done:
    """Tell a consumer to end a run. The audit log has it then.

    Its handler is asked, and after `STOP_GRACE` its process is killed, as for a job. Nothing runs
    twice by it: the consumer ends its own run, by a script that asks whether the entry is still in
    its hands, and in the same step its successor is stored, or its dead letter.

    Args:
        entry: The entry.
        policy: `stop` or `requeue`.
        now: The time; None asks the clock.
        connection: Where.

    Returns:
        What came of it; `stock_worker` if its consumer takes no orders, because it is another
        program, or of an older release.

    Raises:
        InvalidOption: If the policy is another one.
        StorageUnavailable: If Redis does not answer.
        StorageRefused: If it takes nothing; then nothing was done.
    """
    now = now or utc_now()
    order, made = Order(_action(policy), entry.stream, entry.entry_id), _entry(entry, policy, now)
    text, kept = audit.arguments(made)
    named = [
        entry.mark_key,
        stream_keys.consumers(entry.group),
        stream_keys.consumer(entry.group, entry.consumer),
        stream_keys.orders(entry.group, entry.consumer),
        keys.audit(),
    ]
    mark = json.dumps({"action": policy.action, "at": now.isoformat()})
    given: list[str | int] = [
        *(entry.stream, entry.group, entry.consumer, entry.entry_id),
        *(order.text, _ORDER_TTL, mark, MARK_TTL, text, kept),
    ]
    with storage_errors():
        told: Any = connection.register_script(script("workers.streams", "order"))(named, given)
    done = next(each for each in ANSWERS if each.encode() == told)
    if done == "done":
        audit.tell(made)
    return done


def _action(policy: StuckPolicy) -> Any:
    if policy.action in {"stop", "requeue"}:
        return policy.action
    raise InvalidOption(
        f"An entry of a stream cannot be told to {policy.action}.",
        field="policy",
        remedy="Use stop or requeue; the alert pending_age tells people of entries.",
    )


def _entry(entry: StuckEntry, policy: StuckPolicy, now: datetime) -> AuditEntry:
    ran, after = timedelta(seconds=round(entry.seconds)), policy.after
    why = (
        f"It has been running for {ran}; STUCK_POLICY of {entry.kind or 'no message'} is "
        f"{policy.action} after {after}."
    )
    details: dict[str, JsonValue] = {
        "policy": policy.action,
        "seconds": round(entry.seconds),
        "after_seconds": int(after.total_seconds()),
        "stream": entry.stream,
        "entry": entry.entry_id,
        "worker": entry.consumer,
    }
    made = By(ACTOR, why)
    return made.entry(f"entry.{policy.action}", target=entry.job_id, details=details, now=now)
