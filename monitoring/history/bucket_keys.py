"""What the engine has counted: the buckets of minutes, hours and days, and their histograms."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from monitoring.history.kinds import Found, Kind
from monitoring.history.rounds import Reading, size_of, spread
from monitoring.numbers.spans import SECONDS, Resolution
from workers import keys

_DAY = 86_400
_KEPT: dict[Resolution, int] = {"m": 7 * _DAY, "h": 90 * _DAY, "d": 90 * _DAY}
_NAMES: dict[Resolution, str] = {"m": "minuteBuckets", "h": "hourBuckets", "d": "dayBuckets"}
_NEWEST, _OF_NEWEST, _OF_OTHERS = 60, 10, 20  # so that young installations are measured, too
_SUMS = 6  # times as many, of the counters: there is one key for each bucket
_MOST_QUEUES = 50


def buckets(resolution: Resolution, queues: Sequence[str], now: datetime) -> Reading[Found]:
    """Measure up to 180 buckets, and of 30 the histograms of up to 50 queues, in one round trip.

    Args:
        resolution: `m`, `h` or `d`.
        queues: The names of queues and of families of streams.
        now: The server's time.
    """
    strata = _strata(resolution, now)
    asked = [queues[place] for place in spread(len(queues), _MOST_QUEUES)]
    sums = [[keys.stats(resolution, begin) for begin in each.begins(_SUMS)] for each in strata]
    times = [
        [keys.times(resolution, begin, queue) for begin in each.begins(1) for queue in asked]
        for each in strata
    ]
    answers = iter((yield [size_of(key) for of in (*sums, *times) for key in of]))
    counted = [[int(next(answers) or 0) for _ in of] for of in sums]
    drawn = [[int(next(answers) or 0) for _ in of] for of in times]
    entries = size = 0.0
    for stratum, own, histograms in zip(strata, counted, drawn, strict=True):
        entries += stratum.size * sum(each > 0 for each in own) / len(own)
        size += stratum.size * sum(own) / len(own)
        if histograms:
            size += stratum.size * len(queues) * sum(histograms) / len(histograms)
    kind = Kind(
        _NAMES[resolution],
        round(entries),
        round(size),
        sum(map(len, (*sums, *times))),
        ("entries", "bytes"),
        limit=f"{_KEPT[resolution] // _DAY} days",
    )
    return Found((kind,))


class _Stratum(NamedTuple):
    """`size` buckets in a row, the last of which begins at `newest`."""

    newest: int
    length: int
    size: int
    most: int

    def begins(self, times: int) -> Sequence[int]:
        """The begins of so many times `most` of them, in Unix seconds."""
        return [self.newest - ago * self.length for ago in spread(self.size, times * self.most)]


def _strata(resolution: Resolution, now: datetime) -> Sequence[_Stratum]:
    length = SECONDS[resolution]
    newest, count = int(now.timestamp()) // length * length, _KEPT[resolution] // length
    return [
        _Stratum(newest, length, _NEWEST, _OF_NEWEST),
        _Stratum(newest - _NEWEST * length, length, count - _NEWEST, _OF_OTHERS),
    ]
