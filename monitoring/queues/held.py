"""Pauses, and the jobs that they keep from starting. Only reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import redis

from monitoring.answers import as_text
from workers import keys
from workers.clock import shown_text
from workers.pauses import Pause, as_pause, pause_field
from workers.routing import queue_of


def shown_pause(pause: Pause) -> dict[str, Any]:
    """A pause as JSON."""
    return {**asdict(pause), "at": shown_text(pause.at)}


@dataclass(frozen=True)
class Hold:
    """Jobs of one list that wait beside it, until the pause of their type or tenant ends.

    Args:
        key: Of the sorted set that they stand in.
        list_name: The name of their list.
        count: How many.
    """

    key: str
    list_name: str
    count: int


@dataclass(frozen=True)
class Paused:
    """One pause.

    Args:
        pause: What is paused, by whom and why.
        holds: What it holds back beside its lists; a paused queue keeps its own in them.
    """

    pause: Pause
    holds: Sequence[Hold] = ()

    def concerns(self, queue: str) -> bool:
        """Whether it keeps jobs of a queue from starting."""
        if self.pause.kind == "queue":
            return self.pause.name == queue
        return any(hold.count and queue_of(hold.list_name) == queue for hold in self.holds)


def ask_holds(pipe: Any, stored: Mapping[bytes, bytes]) -> None:
    """Put on a pipeline which lists the pauses hold jobs back of.

    Args:
        pipe: The pipeline.
        stored: What HGETALL answers of `keys.pauses()`.
    """
    for field in _holding(stored):
        pipe.smembers(keys.holds(field))


def read_paused(
    stored: Mapping[bytes, bytes], lists: Iterator[Any], *, connection: redis.Redis
) -> Sequence[Paused]:
    """All pauses with what they hold back; in one round trip, or none if they hold back nothing.

    Args:
        stored: As for `ask_holds`.
        lists: What was answered to it; as many answers are taken as it asked for.
        connection: Where.

    Returns:
        The pauses, oldest first.
    """
    asked = _holding(stored)
    places = [
        (field, as_text(name))
        for field, names in zip(asked, islice(lists, len(asked)), strict=True)
        for name in names
    ]
    with connection.pipeline(transaction=False) as pipe:
        for field, name in places:
            pipe.zcard(keys.held(field, name))
        counts = pipe.execute()
    holds: dict[str, list[Hold]] = {as_text(field): [] for field in stored}
    for (field, name), count in zip(places, counts, strict=True):
        holds[field].append(Hold(keys.held(field, name), name, count))
    found = [_paused(as_text(field), text, holds[as_text(field)]) for field, text in stored.items()]
    return sorted(found, key=lambda each: each.pause.at)


def holding(job_id: str, *, connection: redis.Redis) -> Pause | None:
    """The pause that keeps a waiting job from starting; None if none does.

    Args:
        job_id: The job.
        connection: Where.
    """
    known: Any = connection.hmget(keys.job(job_id), ["status", "origin", "held"])
    status, name, held = (as_text(value or b"") for value in known)
    if status != "queued":
        return None
    stored: Any = connection.hgetall(keys.pauses())
    texts = {as_text(field): text for field, text in stored.items()}
    fields = [field for field in texts if held == keys.held(field, name)]
    fields += [field for field in texts if field == pause_field("queue", queue_of(name))]
    return as_pause(fields[0], texts[fields[0]]) if fields else None


def _holding(stored: Mapping[bytes, bytes]) -> Sequence[str]:
    """The pauses that set jobs aside: a paused queue keeps its own."""
    fields = (as_text(field) for field in stored)
    return [field for field in fields if not field.startswith(pause_field("queue", ""))]


def _paused(field: str, text: bytes, holds: Sequence[Hold]) -> Paused:
    return Paused(as_pause(field, text, held=sum(hold.count for hold in holds)), holds)
