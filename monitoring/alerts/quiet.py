"""Hours in which nobody wants to be woken for less than a critical alert. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from typing_extensions import override

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class QuietHours:
    """A part of each day.

    Args:
        begin: When it begins.
        end: When it ends; on the next day, if that is not later than the begin.
        zone: Whose clock is meant.
    """

    begin: time
    end: time
    zone: ZoneInfo

    def cover(self, now: datetime) -> bool:
        """Whether a moment lies within them.

        Args:
            now: Aware.
        """
        local = now.astimezone(self.zone).time()
        if self.begin < self.end:
            return self.begin <= local < self.end
        return local >= self.begin or local < self.end

    @override
    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M} {self.zone.key}"


def quiet_hours(text: str, zone: ZoneInfo) -> QuietHours | None:
    """Read hours as the settings write them.

    Args:
        text: Such as `22:00-07:00`; empty is never.
        zone: Whose clock is meant.

    Raises:
        ValueError: If it is something else.
    """
    if not text:
        return None
    match = _SPAN.fullmatch(text)
    if match is None:
        message = "quiet hours are written as 22:00-07:00"
        raise ValueError(message)
    hours, minutes, end_hours, end_minutes = map(int, match.groups())
    return QuietHours(time(hours, minutes), time(end_hours, end_minutes), zone)
