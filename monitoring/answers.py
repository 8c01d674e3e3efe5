"""What Redis answers, in Python's terms."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rq.utils import utcparse


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


def shown_time(moment: datetime) -> str:
    """A time as the API shows it, such as `2026-01-22T10:30:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
