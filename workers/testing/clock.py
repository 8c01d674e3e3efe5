"""The time of a test: it stands still until it is moved, for everything in this process."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import time_machine

from workers.clock import utc_now
from workers.errors import InvalidOption
from workers.options import Duration, seconds

_PART = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d)(?![a-z])")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


@dataclass(frozen=True)
class VirtualClock:
    """Moves the time that Python and the server in memory tell; forward only."""

    traveller: time_machine.Traveller

    def move_to(self, moment: datetime) -> None:
        """Let it be this moment, if it is not later already.

        Args:
            moment: An aware time.
        """
        if moment > utc_now():
            self.traveller.move_to(moment.timestamp())


@contextmanager
def virtual_clock() -> Iterator[VirtualClock]:
    """Stop the time of this process; it goes on at the end.

    It stops at a whole second, because RQ keeps due times as whole seconds: what is retried after
    2 s is then due exactly 2 s later.
    """
    # As a number: for a datetime the library would change the time zone of the process too.
    with time_machine.travel(int(time.time()), tick=False) as traveller:
        yield VirtualClock(traveller)


def span(value: Duration | str) -> timedelta:
    """A span of time as a test writes it.

    Args:
        value: `"90s"`, `"1h 30m"`, a timedelta, or a number of seconds; from 0.

    Returns:
        The span.

    Raises:
        InvalidOption: If it is none of these.
    """
    if not isinstance(value, str):
        return timedelta(seconds=seconds(value, field="duration", least=0))
    parts = list(_PART.finditer(value))
    if not parts or "".join(part[0] for part in parts) != value.rstrip():
        raise InvalidOption(
            f"duration is {value!r}.",
            field="duration",
            remedy='Write it as "500ms", "90s", "15m", "24h", "7d" or "1h 30m".',
        )
    return timedelta(seconds=sum(float(part["number"]) * _UNITS[part["unit"]] for part in parts))


def at(timestamp: float) -> datetime:
    """A Unix time as an aware time."""
    return datetime.fromtimestamp(timestamp, UTC)
