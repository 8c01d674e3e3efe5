"""Who did what to jobs and queues, when and why. Kept in Redis, capped, and told to the log.

An action with a script of its own hands `arguments` to it, so that the action and its entry happen
together. No payload and no secret belongs here: ids, names and counts do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import redis
from pydantic import JsonValue

from workers import keys
from workers.clock import utc_now
from workers.errors import InvalidOption
from workers.logger import get_logger
from workers.scripts import script

log = get_logger("postroom.audit")

KEPT = 10_000
"""Entries in the stream; older ones are removed."""

Count = int | Mapping[str, int]

_LONGEST = {"actor": 200, "reason": 500, "target": 500}  # characters
_LONGEST_DETAILS = 8_000  # characters of JSON


@dataclass(frozen=True)
class By:
    """Who acts, and why: each action of an operator asks for both.

    Args:
        actor: A login name, or the name of a policy; 1 to 200 characters.
        reason: In the actor's words; 1 to 500 characters.
    """

    actor: str
    reason: str

    def entry(
        self,
        action: str,
        *,
        target: str,
        details: Mapping[str, JsonValue] | None = None,
        now: datetime | None = None,
    ) -> "AuditEntry":
        """An entry, checked before anything is done.

        Args:
            action: Noun and verb, such as `queue.pause`.
            target: What it is done to; 1 to 500 characters.
            details: Names and counts, never a payload; up to 8,000 characters of JSON.
            now: The time; None asks the clock.

        Raises:
            InvalidOption: If a text is empty or too long.
        """
        for name, text in (*asdict(self).items(), ("target", target)):
            _check(name, text)
        known = dict(details or {})
        if len(json.dumps(known)) > _LONGEST_DETAILS:
            raise InvalidOption(
                f"The details of {action} are longer than {_LONGEST_DETAILS} characters.",
                field="details",
                remedy="Give ids, names and counts only.",
            )
        at = (now or utc_now()).isoformat()
        return AuditEntry(action, self.actor.strip(), self.reason.strip(), target, at, known)

    def record(
        self,
        action: str,
        *,
        target: str,
        details: Mapping[str, JsonValue] | None = None,
        now: datetime | None = None,
        connection: redis.Redis,
    ) -> None:
        """Write down what was done, or is about to be; also when Redis is full.

        Args:
            action: As `entry`, like the next three.
            target: What it was done to.
            details: Names and counts.
            now: The time; None asks the clock.
            connection: Where.

        Raises:
            InvalidOption: If a text is empty or too long; nothing was written.
        """
        made = self.entry(action, target=target, details=details, now=now)
        write = connection.register_script(script("workers", "record"))
        write(keys=[keys.audit()], args=arguments(made))
        tell(made)

    def record_end(  # noqa: PLR0913 - the facts of one bulk
        self,
        action: str,
        *,
        target: str,
        before: Count,
        after: Count,
        now: datetime | None = None,
        connection: redis.Redis,
    ) -> None:
        """Write down how a bulk ended; `record` wrote down that it began, should it be killed.

        Args:
            action: As it began; the entry's has `_ended` behind it.
            target: As it began.
            before: How many jobs, letters or entries it was meant for, or how many of each kind.
            after: How many of them are left.
            now: The time; None asks the clock.
            connection: Where.
        """
        counts = {"before": _plain(before), "after": _plain(after)}
        self.record(
            f"{action}_ended", target=target, details=counts, now=now, connection=connection
        )


@dataclass(frozen=True)
class AuditEntry:
    """One thing that somebody did.

    Args:
        action: Noun and verb, such as `queue.pause`.
        actor: Who: a login name, or the name of a policy.
        reason: Why, in the actor's words.
        target: What it was done to, such as a queue's name or a job's id.
        at: When; ISO 8601, UTC.
        details: Names and counts, never a payload.
    """

    action: str
    actor: str
    reason: str
    target: str
    at: str
    details: Mapping[str, JsonValue] = field(default_factory=dict)


def _plain(count: Count) -> JsonValue:
    return count if isinstance(count, int) else {**count}


def arguments(made: AuditEntry) -> tuple[str, int]:
    """What a script needs to write an entry to the key `keys.audit()`.

    Its line is `XADD key MAXLEN kept * entry text`, as in `lua/pause.lua`; pairs of a name and a
    number may follow, which become details.

    Args:
        made: The entry.

    Returns:
        Its text, and how many entries to keep.
    """
    return json.dumps(asdict(made)), KEPT


def tell(made: AuditEntry, **counts: int) -> None:
    """Write an entry to the log, after a script has written it to Redis.

    Args:
        made: The entry.
        counts: What the script added to its details.
    """
    log.info(
        "operator_acted",
        action=made.action,
        actor=made.actor,
        reason=made.reason,
        target=made.target,
        details={**made.details, **counts},
    )


def entries(limit: int = 100, *, connection: redis.Redis) -> Sequence[AuditEntry]:
    """What was done last.

    Args:
        limit: How many at most, 1 to 10,000.
        connection: Where.

    Returns:
        Entries, newest first.
    """
    found: Any = connection.xrevrange(keys.audit(), count=min(max(limit, 1), KEPT))
    return [_read(fields) for _, fields in found]


def _read(fields: Mapping[bytes, bytes]) -> AuditEntry:
    made = AuditEntry(**json.loads(fields[b"entry"]))
    counts = {name.decode(): int(value) for name, value in fields.items() if name != b"entry"}
    return replace(made, details={**made.details, **counts})


def _check(name: str, text: str) -> None:
    if not text.strip():
        raise InvalidOption(
            f"The {name} is empty.",
            field=name,
            remedy="Say who does it and why: the audit log keeps it for those who come after.",
        )
    if len(text) > _LONGEST[name]:
        raise InvalidOption(
            f"The {name} has {len(text)} characters.",
            field=name,
            remedy=f"Use up to {_LONGEST[name]} characters.",
        )
