"""What the engine has counted: the buckets of minutes, hours and days, and their histograms."""

from collections.abc import Sequence
from datetime import datetime

from monitoring.history.kinds import Found, Kind
from monitoring.history.rounds import Reading, size_of, spread
from monitoring.numbers.spans import SECONDS, Resolution
from workers import keys

_DAY = 86_400
_KEPT: dict[Resolution, int] = {"m": 7 * _DAY, "h": 90 * _DAY, "d": 90 * _DAY}
_NAMES: dict[Resolution, str] = {"m": "minuteBuckets", "h": "hourBuckets", "d": "dayBuckets"}
_NEWEST, _OF_NEWEST, _OF_OTHERS = 60, 10, 20  # so that young installations are measured, too
_MOST_QUEUES = 50


def buckets(resolution: Resolution, queues: Sequence[str], now: datetime) -> Reading[Found]:
    """Measure up to 30 buckets with the histograms of up to 50 queues, in one round trip.

    Args:
        resolution: `m`, `h` or `d`.
        queues: The names of queues and of families of streams.
        now: The server's time.
    """
    length = SECONDS[resolution]
    this_one, count = int(now.timestamp()) // length, _KEPT[resolution] // length
    asked = [queues[place] for place in spread(len(queues), _MOST_QUEUES)]
    strata = [(0, min(_NEWEST, count), _OF_NEWEST), (_NEWEST, count, _OF_OTHERS)]
    chosen = [
        ((end - begin), [begin + each for each in spread(end - begin, most)])
        for begin, end, most in strata
        if end > begin
    ]
    answers = iter(
        (
            yield [
                size_of(key)
                for _, agos in chosen
                for ago in agos
                for key in _keys(resolution, (this_one - ago) * length, asked)
            ]
        )
    )
    entries = size = 0.0
    measured, share = 0, len(queues) / max(1, len(asked))
    for stratum, agos in chosen:
        for _ in agos:
            sums = int(next(answers) or 0)
            times = sum(int(next(answers) or 0) for _ in asked)
            weight = stratum / len(agos)
            entries, size = entries + weight * (sums > 0), size + weight * (sums + times * share)
            measured += 1 + len(asked)
    days = _KEPT[resolution] // _DAY
    kind = Kind(
        _NAMES[resolution],
        round(entries),
        round(size),
        measured,
        ("entries", "bytes"),
        limit=f"{days} days",
    )
    return Found((kind,))


def _keys(resolution: Resolution, begin: int, queues: Sequence[str]) -> Sequence[str]:
    times = [keys.times(resolution, begin, queue) for queue in queues]
    return [keys.stats(resolution, begin), *times]
