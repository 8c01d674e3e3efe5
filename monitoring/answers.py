"""What Redis answers, in Python's terms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rq.utils import utcparse

from workers.clock import shown_time

__all__ = ["as_moment", "as_text", "as_time", "server_time", "shown_time", "shown_times"]


def as_text(value: bytes | str) -> str:
    """An answer as text; bytes that are none are replaced."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def as_time(value: bytes | str | None) -> datetime | None:
    """A time as RQ writes it; None if it is missing or cannot be read."""
    try:
        return utcparse(as_text(value)) if value else None
    except ValueError:
        return None


def as_moment(score: float | None) -> datetime | None:
    """A score that is Unix seconds, as an aware UTC time; None if it is missing or no time."""
    try:
        return None if score is None else datetime.fromtimestamp(score, tz=UTC)
    except (OverflowError, ValueError, OSError):  # it is infinite, or somebody wrote it
        return None


def server_time(clock: Sequence[int]) -> datetime:
    """What TIME answers, as an aware UTC time."""
    seconds, microseconds = clock
    return datetime.fromtimestamp(seconds + microseconds / 1_000_000, tz=UTC)


def shown_times(times: Mapping[str, datetime | None]) -> dict[str, str | None]:
    """Times by their names, as the API shows them."""
    return {name: shown_time(each) if each else None for name, each in times.items()}
