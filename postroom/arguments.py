"""Words of the command line that stand for more than themselves: JSON, moments, rates."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from messages import InvalidMessage
from workers import Backoff, InvalidOption

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/s)?")
_BACKOFF = re.compile(r"(exponential|fixed):(\d+(?:\.\d+)?)")


def json_object(source: str, *, field: str = "data") -> dict[str, Any]:
    """A JSON object: as it is, `@FILE` to read it, or `-` for standard input.

    Args:
        source: What was written on the command line.
        field: The option's name, for the error.

    Raises:
        InvalidMessage: If it cannot be read, or is no JSON object.
    """
    text = _text(source, field)
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidMessage(
            f"--{field} is not JSON: {error}.",
            field=field,
            remedy=f"Quote it for the shell, or put it in a file and use --{field} @FILE.",
            code="not_json",
        ) from error
    if not isinstance(value, dict):
        raise InvalidMessage(
            f"--{field} is not a JSON object.",
            field=field,
            remedy="""Write it as '{"field": value}'.""",
            code="not_json",
        )
    return value


def moment(text: str | None, *, field: str, now: datetime) -> datetime | None:
    """A point in time: `2h`, `30m`, `7d` ago, or ISO 8601 with its time zone.

    Args:
        text: What was written; None stays None.
        field: The option's name, for the error.
        now: The time.

    Raises:
        InvalidOption: If it is neither.
    """
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidOption(
            f"--{field} {text!r} is no point in time with a time zone.",
            field=field,
            remedy="Write 2h, 30m or 7d for so long ago, or 2026-01-15T12:00:00Z.",
        )
    return found.astimezone(UTC)


def rate(text: str | None) -> float | None:
    """How many a second: `10/s` or `10`.

    Args:
        text: What was written; None stays None.

    Raises:
        InvalidOption: If it is something else, or 0.
    """
    if text is None:
        return None
    found = _RATE.fullmatch(text)
    if not found or float(found[1]) == 0:
        raise InvalidOption(
            f"--rate {text!r} is no rate.", field="rate", remedy="Write 10/s for ten a second."
        )
    return float(found[1])


def backoff(text: str | None) -> Backoff | None:
    """A back-off: `exponential:2` or `fixed:30`, the first delay in seconds.

    Args:
        text: What was written; None stays None.

    Raises:
        InvalidOption: If it is something else.
    """
    if text is None:
        return None
    found = _BACKOFF.fullmatch(text)
    if not found:
        raise InvalidOption(
            f"--backoff {text!r} is no back-off.",
            field="backoff",
            remedy="Write exponential:2 or fixed:30, with the first delay in seconds.",
        )
    return {"type": "fixed" if found[1] == "fixed" else "exponential", "delay": float(found[2])}


def priority(text: str | None) -> str | int | None:
    """An urgency: high, normal, low, or a number, which is checked where it is used.

    Args:
        text: What was written; None stays None.
    """
    return int(text) if text is not None and text.removeprefix("-").isdecimal() else text


def _text(source: str, field: str) -> str:
    if source == "-":
        return sys.stdin.buffer.read().decode(errors="surrogateescape")
    if not source.startswith("@"):
        return source
    path = Path(source[1:])
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidMessage(
            f"{path} cannot be read: {error}.",
            field=field,
            remedy="Name a file that holds the object as JSON.",
            code="file_unreadable",
        ) from error
