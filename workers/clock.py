"""Where the engine gets the time from, so that a test can give it another."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

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


def unix_now() -> float:
    """The time of this machine, in Unix seconds: as `utc_now`, at less cost."""
    return time.time()


def iso(seconds: float) -> str:
    """A time as RQ writes it.

    Args:
        seconds: Unix time.
    """
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1_000_000):06d}Z"


def shown_time(moment: datetime) -> str:
    """A time as the API shows it, such as `2026-01-22T10:30:00.000Z`.

    Args:
        moment: Aware.
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_text(stored: str) -> str:
    """The same of a time that is stored as text; text that is no time stays as it is.

    Args:
        stored: ISO 8601; without an offset it is UTC.
    """
    try:
        told = datetime.fromisoformat(stored)
    except (TypeError, ValueError):  # somebody imported a letter that has another
        return stored
    return shown_time(told if told.tzinfo else told.replace(tzinfo=UTC))


def written_now() -> str:
    """The time as RQ writes it."""
    return iso(unix_now())


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
