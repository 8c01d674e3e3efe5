"""The time by which a scrape reckons: the server's, unless the caller names one."""

from datetime import datetime
from typing import Any

from redis.exceptions import NoPermissionError

from monitoring.streams.reading import known
from workers.clock import unix_now


def unix_time(answer: Any, now: datetime | None) -> float:
    """Seconds since 1970.

    Args:
        answer: What TIME said; where Redis does not tell, this machine's clock counts.
        now: What the caller named.
    """
    if now is not None:
        return now.timestamp()
    if isinstance(answer, NoPermissionError):  # TIME is none of the reading commands
        return unix_now()
    seconds, microseconds = known(answer, (0, 0))
    return float(seconds + microseconds / 1_000_000)
