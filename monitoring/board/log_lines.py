"""Lines of a job's log as the board shows them: the sentence, and then its values. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.board.wording import cut

_SHOWN_FIRST = frozenset({"timestamp", "level", "message", "event", "module", "number"})
_TEXTS = frozenset({"exception", "traceback", "stack"})  # its attempt shows them
_CLOCK = slice(11, 23)  # the time of day, to milliseconds, in an ISO 8601 time
_LOOKS = {"ERROR": "e", "CRITICAL": "e", "WARNING": "y"}


@dataclass(frozen=True)
class LogLine:
    """One line.

    Args:
        number: From 1, over all runs of the job.
        at: The time of day, to milliseconds.
        level: In capitals.
        look: A class; empty for none.
        words: The sentence.
        values: What else it says, each as `name=value`.
    """

    number: int
    at: str
    level: str
    look: str
    words: str
    values: str


def log_lines(entries: Sequence[Mapping[str, Any]]) -> Sequence[LogLine]:
    """Lines as they are shown.

    Args:
        entries: As `get_job_log` tells them; each may lack anything but its number.
    """
    return [_line(entry) for entry in entries]


def _line(entry: Mapping[str, Any]) -> LogLine:
    level = str(entry.get("level", "")).upper()
    values = "  ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in entry.items()
        if name not in _SHOWN_FIRST and name not in _TEXTS
    )
    return LogLine(
        number=entry["number"],
        at=str(entry.get("timestamp", ""))[_CLOCK],
        level=level,
        look=_LOOKS.get(level, ""),
        words=str(entry.get("message") or entry.get("event", "")),
        values=cut(values),
    )
