"""A page of a stream's entries, its three priorities together, and who holds which. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.streams.entries import entries, jobs
from monitoring.streams.groups import numbers, streams, text
from monitoring.streams.overview import moment_of
from monitoring.streams.reading import Plan, known
from workers.routing import Priority
from workers.settings import Settings
from workers.streams.naming import Naming, keys_of

_SHOWN = 3  # fields of an entry
_KNOWN = {"job_id", "type", "created_at", "schema_version", "guild_id", "priority"}
_LONGEST = 60  # characters of a value


@dataclass(frozen=True)
class Peeked:
    """An entry that was looked at.

    Args:
        entry_id: Its id in its stream.
        came: When it came, by its id.
        priority: Of its stream.
        job_type: As its stream calls its type; empty if it does not.
        told: Some of its fields, secrets masked.
        state: `waiting`, `pending` or `done`.
        consumer: Who has it; empty if nobody does.
        deliveries: How often it was delivered to who has it, or had it before.
    """

    entry_id: str
    came: datetime
    priority: Priority
    job_type: str
    told: Sequence[tuple[str, str]]
    state: str
    consumer: str = ""
    deliveries: int = 0


def peek(
    name: str, most: int, settings: Settings, *, newest: bool, after: str = ""
) -> Plan[Sequence[Peeked]]:
    """Look at entries without claiming any, in three round trips.

    Args:
        name: The stream.
        most: Entries at most, from 1.
        settings: The group, and the template of names.
        newest: Whether the newest come first.
        after: Only those that come after this id, in that order; empty begins.
    """
    found = yield from streams(keys_of(name))
    wanted = [(each, each.group(None, settings.stream_group)) for each in found if each.is_there]
    seen = yield from entries(wanted, most, reverse=newest, after=after)
    first = sorted(seen, key=lambda each: numbers(each.entry_id), reverse=newest)[:most]
    told = yield from jobs(first, Naming(settings.stream_template))
    return [_peeked(each) for each in told]


@dataclass(frozen=True)
class Held:
    """An entry in the hands of a consumer.

    Args:
        entry_id: Its id.
        idle_ms: Since when it was delivered.
        deliveries: How often it was.
    """

    entry_id: str
    idle_ms: int
    deliveries: int


def held_by(stream: str, group: str, consumer: str, most: int) -> Plan[tuple[int, Sequence[Held]]]:
    """How many entries a consumer has in hand, and the oldest of them, in one round trip.

    Args:
        stream: The stream's key.
        group: The consumer's group.
        consumer: Its name.
        most: How many of them are told.
    """
    consumers, rows = yield [
        lambda pipe: pipe.xinfo_consumers(stream, group),
        lambda pipe: pipe.xpending_range(stream, group, "-", "+", most, consumer),
    ]
    counts = {text(each["name"]): int(each["pending"]) for each in known(consumers, ())}
    held = [
        Held(text(row["message_id"]), int(row["time_since_delivered"]), int(row["times_delivered"]))
        for row in known(rows, ())
    ]
    return counts.get(consumer, 0), held


def _peeked(job: Mapping[str, Any]) -> Peeked:
    data, state = job["job_data"], job["state"]
    fields = [(name, _short(value)) for name, value in data.items() if name not in _KNOWN]
    return Peeked(
        entry_id=job["message_id"],
        came=moment_of(job["message_id"]),
        priority=Naming("").read(job["stream_name"]).priority,
        job_type=str(data["type"]),
        told=[(name, value) for name, value in fields if value][:_SHOWN],
        state=state["name"],
        consumer=state.get("consumer", ""),
        deliveries=state.get("deliveries", 0),
    )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value):,} of them" if value else ""
    if isinstance(value, dict):
        return ", ".join(map(str, value))[:_LONGEST]
    return str(value)[:_LONGEST]
