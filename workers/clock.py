"""Where the engine gets the time from, so that a test can give it another."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the current time as an aware UTC `datetime`."""


def until_whole_second(delay: timedelta, *, now: datetime) -> float:
    """Lengthen a delay so that it ends on a whole second.

    RQ cuts the time of a scheduled job down to the second (rq/registry.py, schedule), so a delay
    that ends between two seconds would be over up to a second too early.

    Args:
        delay: What was decided; from 0.
        now: When it begins.

    Returns:
        Seconds from now, less than one more than the delay; 0 stays 0.
    """
    if delay <= timedelta():
        return 0.0
    begin = now.timestamp()
    return math.ceil(begin + delay.total_seconds()) - begin


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)
