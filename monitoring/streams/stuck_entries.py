"""Entries of streams that somebody has had in hand for long. Only reads."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from monitoring.streams.groups import text
from monitoring.streams.reading import Question, answered, known
from workers import stream_keys
from workers.settings import Settings
from workers.streams.orders import runs_in
from workers.streams.wire import envelope_of

MOST_STREAMS = 1_000
"""Streams that are looked at: those in which consumers of ours may have entries."""
MOST_ENTRIES = 100
"""Entries of one stream that are looked at, oldest first."""


@dataclass(frozen=True)
class HeldEntry:
    """One entry in the hands of a consumer.

    Args:
        stream: The key of its stream.
        entry_id: Its id there.
        consumer: Who has it.
        began: When it was delivered to that one.
        deliveries: How often it was delivered.
        is_alive: Whether its consumer shows that it lives.
        envelope: The message; empty if the entry is gone, or cannot be read.
        takes_orders: Whether its consumer can be told to end a run.
        run_began: When its run began, by the clock of its worker; None if the consumer does not
            tell, because it waits behind others, or because ten others have run for longer.
    """

    stream: str
    entry_id: str
    consumer: str
    began: datetime
    deliveries: int
    is_alive: bool
    envelope: Mapping[str, Any]
    takes_orders: bool = False
    run_began: datetime | None = None

    @property
    def job_id(self) -> str:
        """The id of its message, or of the entry."""
        found = self.envelope.get("messageId")
        return found if isinstance(found, str) else self.entry_id

    @property
    def kind(self) -> str:
        """Its message type; empty if it cannot be read."""
        found = self.envelope.get("messageType")
        return found if isinstance(found, str) else ""


def read_held_entries(
    *, at_least: timedelta, now: datetime, settings: Settings, connection: redis.Redis
) -> Sequence[HeldEntry]:
    """What the consumers of our group have had in hand for some time.

    Args:
        at_least: For how long.
        now: The server's time.
        settings: The group.
        connection: Where.

    Returns:
        Entries, of at most `MOST_ENTRIES` for each of at most `MOST_STREAMS` streams.
    """
    group = settings.stream_group
    shown: Any = connection.zrange(stream_keys.consumers(group), 0, -1, withscores=True)
    alive: dict[bytes, float] = dict(shown)
    dead: Any = connection.zrange(stream_keys.orphaned(group), 0, -1)
    streams = _streams_of(group, [*alive, *dead], connection)
    rows = _pending(streams, group, at_least, connection)
    places = [(stream, text(row["message_id"])) for stream, row in rows]
    envelopes = _envelopes(places, connection)
    runs = _runs(group, sorted({text(row["consumer"]) for _, row in rows}), connection)
    return [
        HeldEntry(
            stream=stream,
            entry_id=text(row["message_id"]),
            consumer=text(row["consumer"]),
            began=now - timedelta(milliseconds=row["time_since_delivered"]),
            deliveries=row["times_delivered"],
            is_alive=alive.get(row["consumer"], 0) > now.timestamp() * 1000,
            envelope=envelope,
            takes_orders=text(row["consumer"]) in runs,
            run_began=runs.get(text(row["consumer"]), {}).get(place),
        )
        for (stream, row), place, envelope in zip(rows, places, envelopes, strict=True)
    ]


def _runs(
    group: str, consumers: Sequence[str], connection: redis.Redis
) -> Mapping[str, Mapping[tuple[str, str], datetime]]:
    """Since when consumers run what they do; those that do not tell are missing."""

    def asked(name: str) -> Question:
        return lambda pipe: pipe.hget(stream_keys.consumer(group, name), "runs")

    answers = answered(_once([asked(name) for name in consumers]), connection)
    return {
        name: {
            place: datetime.fromtimestamp(since, tz=UTC)
            for place, since in runs_in(text(told)).items()
        }
        for name, told in zip(consumers, answers, strict=True)
        if told is not None
    }


def _streams_of(group: str, consumers: Sequence[bytes], connection: redis.Redis) -> Sequence[str]:
    with connection.pipeline(transaction=False) as pipe:
        for name in consumers:
            pipe.smembers(stream_keys.consumes(group, text(name)))
        found = {text(key) for names in pipe.execute() for key in names}
    return sorted(found)[:MOST_STREAMS]


def _pending(
    streams: Sequence[str], group: str, at_least: timedelta, connection: redis.Redis
) -> Sequence[tuple[str, Mapping[str, Any]]]:
    idle = int(at_least.total_seconds() * 1000)

    def asked(stream: str) -> Question:
        return lambda pipe: pipe.xpending_range(stream, group, "-", "+", MOST_ENTRIES, idle=idle)

    answers = answered(_once([asked(stream) for stream in streams]), connection)
    pairs = zip(streams, answers, strict=True)
    return [(stream, row) for stream, answer in pairs for row in known(answer, ())]


def _envelopes(
    places: Sequence[tuple[str, str]], connection: redis.Redis
) -> Iterator[Mapping[str, Any]]:
    def asked(stream: str, entry_id: str) -> Question:
        return lambda pipe: pipe.xrange(stream, entry_id, entry_id)

    answers = answered(_once([asked(*place) for place in places]), connection)
    for (_, entry_id), answer in zip(places, answers, strict=True):
        entries = known(answer, ())
        yield _envelope(entry_id, entries[0][1]) if entries else {}


def _envelope(entry_id: str, fields: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    flat = [part for pair in (fields or {}).items() for part in pair]
    try:
        found = json.loads(envelope_of(flat, entry_id)) if flat else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _once(questions: Sequence[Question]) -> Any:
    """A plan of a single round, or of none."""
    return (yield questions) if questions else []
