"""Times of many runs as counts in steps of 5 %: they add up, and tell averages and percentiles.

The steps are those that `workers/lua/ending.lua` writes. Pure: no clock, no connection.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Self

_FIRST_MS = 0.1
_GROWTH = 1.05


def upper_ms(place: int) -> float:
    """The longest time that is counted at a place, in ms.

    Args:
        place: From 0, which has all up to 0.1 ms; 422 has a day.
    """
    return float(_FIRST_MS * _GROWTH**place)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Times, by their places.

    Args:
        places: How many times stand at each place; see `upper_ms`.
        sum_us: All of them together, exactly, in microseconds.
        count: How many there are. Where only sums were read, their places are not known.
    """

    places: Mapping[int, int] = field(default_factory=dict)
    sum_us: int = 0
    count: int = 0

    @classmethod
    def of(cls, places: Mapping[int, int], sum_us: int) -> Self:
        """A histogram of all that stands at its places.

        Args:
            places: See the class.
            sum_us: In microseconds.
        """
        return cls(places, sum_us, sum(places.values()))

    @classmethod
    def together(cls, histograms: Iterable["Histogram"]) -> Self:
        """All of them as one; much quicker than `+` for many.

        Args:
            histograms: None gives an empty one.
        """
        places: Counter[int] = Counter()
        sum_us = count = 0
        for each in histograms:
            places.update(each.places)
            sum_us += each.sum_us
            count += each.count
        return cls(dict(places), sum_us, count)

    def __add__(self, other: Self) -> Self:
        return self.together((self, other))

    @property
    def average_ms(self) -> float | None:
        """The exact average in ms; None if there is nothing."""
        return self.sum_us / self.count / 1000 if self.count else None

    def quantile_ms(self, share: float) -> float | None:
        """The time that a share of all did not exceed, in ms: 0.95 gives p95.

        Args:
            share: From 0 to 1; by nearest rank, so that it is the time of one of them.

        Returns:
            The middle of the exact value's own bucket, so at most 2.5 % off (below 0.1 ms: at most
            0.05 ms); None if there is nothing.
        """
        rank = max(1, ceil(share * sum(self.places.values())))
        for place in sorted(self.places):
            rank -= self.places[place]
            if rank <= 0:
                return _middle_ms(place)
        return None


def _middle_ms(place: int) -> float:
    return upper_ms(place) / sqrt(_GROWTH) if place > 0 else _FIRST_MS / 2
