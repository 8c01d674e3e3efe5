"""The newest outcomes, as the engine lists them for each queue and for all. Pure.

An entry is `MILLISECONDS|QUEUE|TYPE|OUTCOME|NUMBER`: all that ended alike in one step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from monitoring.answers import as_text
from monitoring.rates import Sample
from workers import keys

MOST = 1_000
"""Outcomes of which a success rate is made, at most."""

_PARTS_BEHIND = 3  # type, outcome and number; a queue may have bars in its name


class Ended(NamedTuple):
    """What ended alike in one step.

    Args:
        at_ms: When, in Unix milliseconds by Redis' clock.
        type: Of the messages.
        outcome: `finished` or `failed`.
        number: How many jobs.
    """

    at_ms: int
    type: str
    outcome: str
    number: int


@dataclass(frozen=True, slots=True)
class Recent:
    """A list of outcomes.

    Args:
        entries: As Redis has them, oldest first; those that cannot be read are passed over.
    """

    entries: Sequence[bytes | str]

    def last(self, *, message_type: str | None = None) -> Sample:
        """The last 1,000 outcomes, or as many as there are.

        Args:
            message_type: Of this type only.
        """
        found = {"finished": 0, "failed": 0}
        left = MOST
        for each in self._newest_first():
            if message_type in {None, each.type} and each.outcome in found:
                # Those of one entry ended alike, so it does not matter which of them are left out.
                found[each.outcome] += min(left, each.number)
                left -= min(left, each.number)
            if not left:
                break
        return Sample(**found)

    def count(self, begin: datetime, end: datetime) -> int:
        """How many jobs ended after one moment and until another.

        Args:
            begin: Aware.
            end: Aware.
        """
        after, until = begin.timestamp() * 1000, end.timestamp() * 1000
        total = 0
        for each in self._newest_first():
            if each.at_ms <= after:
                break
            total += each.number if each.at_ms <= until else 0
        return total

    def reaches(self, moment: datetime) -> bool:
        """Whether it has all that ended since then, and not only the newest of it."""
        if len(self.entries) < MOST:
            return True
        oldest = next((found for each in self.entries if (found := _read(each))), None)
        return oldest is None or oldest.at_ms <= moment.timestamp() * 1000

    def _newest_first(self) -> Iterator[Ended]:
        return (found for each in reversed(self.entries) if (found := _read(each)))


def ask_recent(pipe: Any, queue: str = "") -> None:
    """Put on a pipeline the question for the newest outcomes.

    Args:
        pipe: The pipeline.
        queue: Of which queue; empty means all.
    """
    # More are kept now and then, and each is at least one outcome.
    pipe.lrange(keys.recent(queue), -MOST, -1)


def _read(entry: bytes | str) -> Ended | None:
    at, _, rest = as_text(entry).partition("|")
    parts = rest.rsplit("|", _PARTS_BEHIND)
    try:
        return Ended(int(at), parts[-3], parts[-2], int(parts[-1]))
    except (ValueError, IndexError):
        return None
