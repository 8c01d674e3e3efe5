"""A page of a stream's entries, its three priorities together, and who holds which. Only reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.streams.entries import entries, jobs, named
from monitoring.streams.groups import numbers, streams, text
from monitoring.streams.overview import moment_of
from monitoring.streams.reading import Plan, known
from workers import keys
from workers.routing import Priority
from workers.settings import Settings
from workers.streams.naming import Naming, keys_of

_SHOWN = 3  # fields of an entry
_KNOWN = {"job_id", "type", "created_at", "schema_version", "guild_id", "priority", "metadata"}
_LONGEST = 60  # characters of a value
_MOST_WHOLE = 30  # fields of an entry that is shown whole
_LONGEST_WHOLE = 1_000  # characters of their values


@dataclass(frozen=True)
class Peeked:
    """An entry that was looked at.

    Args:
        entry_id: Its id in its stream.
        came: When it came, by its id.
        priority: Of its stream.
        job_type: As its stream calls its type; empty if it does not.
        told: Some of its fields, secrets masked.
        state: `waiting`, `pending`, `done`, or `dead` if its message is a dead letter.
        job_id: Of its message.
        data: All that it holds, secrets masked.
        consumer: Who has it; empty if nobody does.
        deliveries: How often it was delivered to who has it, or had it before.
    """

    entry_id: str
    came: datetime
    priority: Priority
    job_type: str
    told: Sequence[tuple[str, str]]
    state: str
    job_id: str
    data: Mapping[str, Any]
    consumer: str = ""
    deliveries: int = 0

    @property
    def whole(self) -> Sequence[tuple[str, str]]:
        """Its fields: up to thirty, and of each up to a thousand characters."""
        fields = [(name, _text(value)) for name, value in self.data.items()]
        return [(name, _cut(value)) for name, value in fields if value][:_MOST_WHOLE]


def peek(  # noqa: PLR0913 - what a page is asked for
    name: str,
    most: int,
    settings: Settings,
    *,
    newest: bool,
    after: str = "",
    also: str = "",
) -> Plan[tuple[Sequence[Peeked], Sequence[Peeked]]]:
    """Look at entries without claiming any, in up to five round trips.

    Args:
        name: The stream.
        most: Entries at most, from 1.
        settings: The group, and the template of names.
        newest: Whether the newest come first.
        after: Only those that come after this id, in that order; empty begins.
        also: The id of one that is wanted wherever it stands; empty for none.

    Returns:
        The page, and those with that id: none if it is gone, two if two priorities have it.
    """
    found = yield from streams(keys_of(name))
    wanted = [(each, each.group(None, settings.stream_group)) for each in found if each.is_there]
    seen = yield from entries(wanted, most, reverse=newest, after=after)
    first = sorted(seen, key=lambda each: numbers(each.entry_id), reverse=newest)[:most]
    chosen = (yield from named(wanted, also)) if also else []
    told = yield from jobs([*first, *chosen], Naming(settings.stream_template))
    dead = yield from _dead_among(told)
    peeked = [_peeked(each, dead) for each in told]
    return peeked[: len(first)], peeked[len(first) :]


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


def _dead_among(told: Sequence[Mapping[str, Any]]) -> Plan[frozenset[str]]:
    """The jobs of entries that are done with and whose message is a dead letter."""
    done = [str(each["job_data"]["job_id"]) for each in told if each["state"]["name"] == "done"]
    if not done:
        return frozenset()
    (letters,) = yield [lambda pipe: pipe.hmget(keys.dead_letter_index(), done)]
    answered = zip(done, known(letters, ()), strict=False)
    return frozenset(job_id for job_id, letter in answered if letter is not None)


def _peeked(job: Mapping[str, Any], dead: frozenset[str]) -> Peeked:
    data, state = job["job_data"], job["state"]
    job_id = str(data["job_id"])
    fields = [(name, _short(value)) for name, value in data.items() if name not in _KNOWN]
    return Peeked(
        entry_id=job["message_id"],
        came=moment_of(job["message_id"]),
        priority=Naming("").read(job["stream_name"]).priority,
        job_type=str(data["type"]),
        told=[(name, value) for name, value in fields if value][:_SHOWN],
        state="dead" if state["name"] == "done" and job_id in dead else state["name"],
        job_id=job_id,
        data={name: value for name, value in data.items() if name not in {"job_id", "type"}},
        consumer=state.get("consumer", ""),
        deliveries=state.get("deliveries", 0),
    )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value):,} of them" if value else ""
    if isinstance(value, dict):
        return ", ".join(map(str, value))[:_LONGEST]
    return str(value)[:_LONGEST]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST_WHOLE else f"{value[:_LONGEST_WHOLE]}…"
