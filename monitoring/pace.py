"""How many jobs end in a minute. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitoring.recent import Recent

MINUTE = timedelta(minutes=1)


def per_minute(recent: Recent, minutes: Iterable[tuple[datetime, int]], *, now: datetime) -> float:
    """Jobs that ended in the last 60 s.

    Args:
        recent: The newest outcomes. While they reach back 60 s, the figure is exact.
        minutes: Of the minute that is not over and the one before it: when it begins, and how many
            jobs ended in it. If more than 1,000 steps ended jobs in 60 s these count instead, as
            if those of the earlier minute had ended evenly spread.
        now: Aware.

    Returns:
        One decimal.
    """
    begin = now - MINUTE
    if recent.reaches(begin):
        return float(recent.count(begin, now))
    return round(sum(count * _share(at, begin) for at, count in minutes), 1)


def _share(minute: datetime, begin: datetime) -> float:
    inside = minute + MINUTE - max(minute, begin)
    return max(0.0, inside / MINUTE)
