"""Which buckets of minutes, hours and days a span of time is made of. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from monitoring.errors import InvalidQuery

Resolution = Literal["m", "h", "d"]

SECONDS: Mapping[Resolution, int] = {"m": 60, "h": 3600, "d": 86_400}
"""How long a bucket of each resolution is. Minutes are kept for 7 days, the others for 90."""
_LONGEST_FIRST: Sequence[Resolution] = ("d", "h", "m")
MOST_PIECES = 1_500
"""Buckets that one call reads at most; a day has 1,440 minutes."""


class Piece(NamedTuple):
    """One bucket.

    Args:
        resolution: `m`, `h` or `d`.
        begin: In Unix seconds.
    """

    resolution: Resolution
    begin: int


def pieces_of(resolution: Resolution, begin: datetime, end: datetime) -> Sequence[Piece]:
    """The buckets of one resolution that a span touches.

    Args:
        resolution: `m`, `h` or `d`.
        begin: Aware; the bucket that it lies in is the first one.
        end: Aware; the bucket that it lies in is the last one, unless it is that one's begin.

    Returns:
        The buckets, oldest first.

    Raises:
        InvalidQuery: If there are more than 1,500.
    """
    length = SECONDS[resolution]
    begins = range(_floor(begin, length), _ceiling(end), length)
    if len(begins) > MOST_PIECES:
        raise InvalidQuery(
            f"From {begin} to {end} there are {len(begins):,} buckets of {length:,} s.",
            field="begin",
            remedy=f"Ask for at most {MOST_PIECES:,}, or for longer ones.",
        )
    return [Piece(resolution, each) for each in begins]


def cover(begin: datetime, now: datetime, *, finest: Resolution) -> Sequence[Piece]:
    """The fewest buckets that have all that ended from a moment until now.

    Args:
        begin: Aware; only the finest bucket that it lies in may have something from before it.
        now: Aware; nothing ended after it, so the last bucket may reach beyond it.
        finest: What to begin with: `m` reaches back 7 days, `h` 90.

    Returns:
        At most 59 minutes, 23 hours and the days, oldest first, each moment in one of them.
    """
    return tuple(_cover(_floor(begin, SECONDS[finest]), _ceiling(now)))


def _cover(at: int, end: int) -> Iterator[Piece]:
    while at < end:
        # The longest that begins here; one that is not over yet has all that there is.
        resolution = next(each for each in _LONGEST_FIRST if at % SECONDS[each] == 0)
        yield Piece(resolution, at)
        at += SECONDS[resolution]


def _floor(moment: datetime, length: int) -> int:
    return int(moment.timestamp()) // length * length


def _ceiling(moment: datetime) -> int:
    return -int(-moment.timestamp() // 1)
