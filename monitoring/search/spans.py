"""How long jobs waited or ran, as a search asks for it: `wait:>5m`, `run:<30s`. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitoring.answers import as_text
from monitoring.errors import InvalidQuery

FIELDS = ("enqueued_at", "started_at", "ended_at")
"""What is asked of a record beside its status."""

_SPAN = re.compile(r"([<>])(\d{1,6}(?:\.\d{1,3})?)(ms|[smhd])")
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Record = Mapping[str, bytes | None]


@dataclass(frozen=True)
class Span:
    """A bound of a time.

    Args:
        is_least: Whether it must have taken longer; else less long.
        time: Than this.
    """

    is_least: bool
    time: timedelta

    def holds(self, took: timedelta | None) -> bool:
        """Whether a time fits; one that nobody knows does not."""
        if took is None:
            return False
        return took > self.time if self.is_least else took < self.time


def span_from(field: str, text: str | None) -> Span | None:
    """Read a bound.

    Args:
        field: The qualifier.
        text: Its value; None if it is not asked for.

    Raises:
        InvalidQuery: If it is none.
    """
    if text is None:
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        raise InvalidQuery(
            f"{field} {text!r} is no bound of a time.",
            field=field,
            remedy=f"Write {field}:>5m for longer than that, or {field}:<30s; ms, s, m, h or d.",
        )
    return Span(found[1] == ">", timedelta(milliseconds=float(found[2]) * _MS[found[3]]))


def waited(record: Record, now: datetime) -> timedelta | None:
    """How long a job waited in its queue before its last start, or waits since it came there.

    Args:
        record: Its status, and `FIELDS`.
        now: The time.

    Returns:
        None for one that does not wait in a queue and never started.
    """
    came, began = _moment(record["enqueued_at"]), _moment(record["started_at"])
    if came is None:
        return None
    if as_text(record["status"] or b"") == "queued":
        return now - came
    return began - came if began is not None and began >= came else None


def ran(record: Record, now: datetime) -> timedelta | None:
    """How long the last run of a job took, or takes until now.

    Args:
        record: Its status, and `FIELDS`.
        now: The time.

    Returns:
        None for one that never started.
    """
    began, over = _moment(record["started_at"]), _moment(record["ended_at"])
    if began is None:
        return None
    if as_text(record["status"] or b"") == "started":
        return now - began
    return over - began if over is not None and over >= began else None


def _moment(value: bytes | None) -> datetime | None:
    # As RQ writes it; its own way to read one takes twenty times as long, for each candidate.
    try:
        return datetime.fromisoformat(as_text(value)).replace(tzinfo=UTC) if value else None
    except ValueError:
        return None
