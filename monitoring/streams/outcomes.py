"""What ended of streams, piece by piece: those of tenants by the counters of their tenant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.numbers.buckets import Bucket
from monitoring.numbers.spans import Piece
from workers import keys
from workers.streams.naming import StreamName
from workers.streams.wire import class_of

_ENDS = ("finished", "failed")


@dataclass(frozen=True)
class Ends:
    """What ended in one piece of time.

    Args:
        piece: Which.
        finished: How many succeeded.
        failed: How many failed for good.
    """

    piece: Piece
    finished: int = 0
    failed: int = 0

    @property
    def begin(self) -> datetime:
        """When the piece begins."""
        return datetime.fromtimestamp(self.piece.begin, tz=UTC)

    @property
    def all(self) -> int:
        """Both together."""
        return self.finished + self.failed


def read_ends(
    names: Sequence[StreamName], buckets: Sequence[Bucket], *, connection: redis.Redis
) -> Mapping[str, Sequence[Ends]]:
    """What ended of some streams, in one round trip.

    Args:
        names: What their names say.
        buckets: The pieces, as `read_sums` returns them: all that is known of streams without a
            tenant.
        connection: Where.

    Returns:
        By stream, in the order of the buckets. Of a tenant's stream only what is of the type that
        its name tells.
    """
    owned = {name.base: fields for name in names if (fields := tuple(_fields(name)))}
    asked = [field for fields in owned.values() for field in fields]
    counted: list[dict[str, int]] = [{} for _ in buckets]
    if asked:
        with connection.pipeline(transaction=False) as pipe:
            for bucket in buckets:
                pipe.hmget(keys.stats(*bucket.piece), asked)
            answers: Sequence[Any] = pipe.execute()
        counted = [
            {field: int(value or 0) for field, value in zip(asked, answer, strict=True)}
            for answer in answers
        ]
    return {
        name.base: [
            _of_tenant(bucket.piece, owned[name.base], counts)
            if name.base in owned
            else _of_all(bucket, name.family)
            for bucket, counts in zip(buckets, counted, strict=True)
        ]
        for name in names
    }


def _fields(name: StreamName) -> Iterator[str]:
    cls = class_of(name.job_type) if name.tenant else None
    if cls is not None:
        kind = cls.model_fields["message_type"].default
        for outcome in _ENDS:
            yield f"tenant|{name.tenant}|{name.family}|{kind}|{outcome}|n"


def _of_tenant(piece: Piece, fields: Sequence[str], counts: Mapping[str, int]) -> Ends:
    finished, failed = (counts[field] for field in fields)
    return Ends(piece, finished, failed)


def _of_all(bucket: Bucket, family: str) -> Ends:
    mine = [figures for stat, figures in bucket.figures.items() if stat.queue == family]
    return Ends(
        bucket.piece, sum(each.finished for each in mine), sum(each.failed for each in mine)
    )
