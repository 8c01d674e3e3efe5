"""Where the engine gets the time from, so that a test can give it another."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time as an aware UTC `datetime`."""


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)
