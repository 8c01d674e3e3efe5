"""The message types as the board shows them: who handles each, its fields, and how it fares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from messages import Message, message_types
from messages.fields import Indexed, Secret, marked_fields
from monitoring.board.schema_form import Field, data_schema, fields_of
from monitoring.board.standing import Standing
from monitoring.numbers.bucket_fields import Sums
from monitoring.numbers.buckets import per_type, read_total, read_total_histograms
from monitoring.numbers.figures import Figures
from monitoring.numbers.spans import Piece, pieces_of
from workers.routing import queue_of

_DAY, _LATELY = 24, 2  # hours
_NOTHING = Figures()


@dataclass(frozen=True)
class Fared:
    """What ended in the last 24 hours.

    Args:
        pieces: The hours, oldest first.
        sums: Their counts.
        times: Of the last two hours, with histograms.
    """

    pieces: Sequence[Piece]
    sums: Sums
    times: Mapping[str, Figures]

    def of_type(self, kind: str, connection: redis.Redis) -> Figures:
        """One type, with histograms of the whole day; in one round trip.

        Args:
            kind: Its name.
            connection: Where.
        """
        queues = {stat.queue for stat in self.sums.figures if stat.type == kind}
        timed = read_total_histograms(self.pieces, self.sums, queues=queues, connection=connection)
        return per_type([timed]).get(kind, _NOTHING)


def read_fared(*, now: datetime, connection: redis.Redis) -> Fared:
    """Read the counters, in three round trips.

    Args:
        now: The server's time.
        connection: Where.
    """
    pieces = pieces_of("h", now - timedelta(hours=_DAY - 1), now + timedelta(milliseconds=1))
    sums = read_total(pieces, connection=connection)
    lately = pieces[-_LATELY:]
    recent = read_total(lately, connection=connection)
    timed = read_total_histograms(lately, recent, connection=connection)
    return Fared(pieces, sums, per_type([timed]))


@dataclass(frozen=True)
class Listed:
    """A type in the catalogue.

    Args:
        name: Its wire name.
        queue: Where it goes, unless its sender or a route says otherwise.
        ok: How many succeeded in the last 24 hours.
        failed: How many failed for good in that time.
        p95_ms: How long 95 of 100 runs took at most in the last two hours; None if none ended.
        look: How it is: `paused`, `idle` (work waits and no worker serves it), `bad` (more than
            one of twenty failed), else `ok`.
    """

    name: str
    queue: str
    ok: int
    failed: int
    p95_ms: float | None
    look: str

    @property
    def success(self) -> float | None:
        """Of 100, how many succeeded; None if none ended."""
        ended = self.ok + self.failed
        return 100 * self.ok / ended if ended else None


def catalogue(standing: Standing, fared: Fared) -> Sequence[Listed]:
    """All types, by name.

    Args:
        standing: How things stand.
        fared: What ended.
    """
    ended = per_type([fared.sums])
    return [
        _listed(name, cls, standing, ended.get(name, _NOTHING), fared.times.get(name, _NOTHING))
        for name, cls in message_types().items()
    ]


def _listed(
    name: str, cls: type[Message], standing: Standing, ended: Figures, lately: Figures
) -> Listed:
    return Listed(
        name,
        cls.queue,
        ended.finished,
        ended.failed,
        lately.run.quantile_ms(0.95),
        _look(name, cls.queue, standing, ended),
    )


def _look(name: str, queue: str, standing: Standing, ended: Figures) -> str:
    facts = standing.queues.get(queue_of(queue))
    held = any(each.pause.is_of("type", name) for each in standing.look.snapshot.paused)
    if held or (facts is not None and facts.is_held_up):
        return "paused"
    if facts is not None and facts.counts.waiting and not facts.workers:
        return "idle"
    return "bad" if ended.failed * 20 > ended.ended else "ok"


@dataclass(frozen=True)
class Member:
    """A field of a type's data, as a row of a table.

    Args:
        path: Its wire name, with those that it is within.
        type: In words.
        rule: What it may be, and whether it must be there.
        is_indexed: Whether jobs can be searched by it.
        is_secret: Whether nobody sees its value.
    """

    path: str
    type: str
    rule: str
    is_indexed: bool = False
    is_secret: bool = False


def members_of(kind: str) -> Sequence[Member]:
    """The fields of a type's data, with those within them.

    Args:
        kind: Its wire name.
    """
    data = message_types()[kind].model_fields["data"].annotation
    assert data is not None  # noqa: S101 - for mypy: every message declares it
    indexed, secret = _wire(data, Indexed), _wire(data, Secret)
    return [
        Member(
            path := each.path.removeprefix("data."),
            each.type.partition(",")[0],
            _rule(each),
            path in indexed,
            path.partition(".")[0] in secret,
        )
        for each in _flat(fields_of(data_schema(kind)))
    ]


def _rule(each: Field) -> str:
    hint = each.hint[:1].lower() + each.hint[1:]
    return ", ".join(filter(None, ["required" if each.is_required else "", hint]))


def _wire(data: Any, marker: Any) -> frozenset[str]:
    names = marked_fields(data, marker)
    return frozenset(data.model_fields[name].alias or name for name in names)


def _flat(fields: Sequence[Field]) -> Iterator[Field]:
    for each in fields:
        if not each.name.endswith(".*"):  # stands for what the schema leaves open
            yield each
        yield from _flat(each.parts)
