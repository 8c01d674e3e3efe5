"""How many jobs end in a minute. Pure."""

from collections.abc import Iterable
from datetime import datetime

from monitoring.numbers.recent import MINUTE


def per_minute(
    listed: int | None, minutes: Iterable[tuple[datetime, int]], *, now: datetime
) -> float:
    """Jobs that ended in the last 60 s.

    Args:
        listed: How many the newest outcomes have, exactly; None if they do not reach so far back.
        minutes: Of the minute that is not over and the one before it: when it begins, and how many
            jobs ended in it. Without a list these count, as if those of the earlier minute had
            ended evenly spread.
        now: Aware.

    Returns:
        One decimal.
    """
    if listed is not None:
        return float(listed)
    begin = now - MINUTE
    return round(sum(count * _share(at, begin) for at, count in minutes), 1)


def _share(minute: datetime, begin: datetime) -> float:
    inside = minute + MINUTE - max(minute, begin)
    return max(0.0, inside / MINUTE)
