"""The newest outcomes, as the engine lists them for each queue and for all. Pure.

An entry is `MILLISECONDS|QUEUE|TYPE|OUTCOME|NUMBER`: all that ended alike in one step.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from monitoring.answers import as_text
from monitoring.numbers.rates import Sample
from workers import keys

MOST = 1_000
"""Outcomes of which a success rate is made, at most."""

MINUTE = timedelta(minutes=1)

_TIME = 13  # digits, until the year 2286
_BEHIND_TIME = itemgetter(slice(_TIME, None))
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

    def sample(self, times: int = 1) -> Sample:
        """The outcomes that it stands for, if there are so many of its kind."""
        of = {self.outcome: self.number * times}
        return Sample(of.get("finished", 0), of.get("failed", 0))


@dataclass(frozen=True, slots=True)
class Recent:
    """A list of outcomes.

    Args:
        entries: As Redis has them, oldest first; those that cannot be read are passed over.
    """

    entries: Sequence[bytes | str]

    def last(self) -> Sample:
        """The last 1,000 outcomes, or as many as there are."""
        alike = (ended.sample(times) for ended, times in _alike(self.entries))
        found = sum(alike, Sample())
        return found if found.size <= MOST else _last(self.newest_first())

    def last_minute(self, now: datetime) -> Mapping[str, int] | None:
        """How many jobs of each type ended in the 60 s until now.

        Args:
            now: Aware.

        Returns:
            The counts; None if only the newest of them are listed.
        """
        begin, end = (moment.timestamp() * 1000 for moment in (now - MINUTE, now))
        first = bisect_right(self.entries, begin, key=_time)
        if not first and len(self.entries) >= MOST:
            return None
        behind = bisect_right(self.entries, end, key=_time)
        found: Counter[str] = Counter()
        for ended, times in _alike(self.entries[first:behind]):
            found[ended.type] += ended.number * times
        return found

    def ended(self, now: datetime) -> int | None:
        """The same of all types together."""
        found = self.last_minute(now)
        return None if found is None else sum(found.values())

    def newest_first(self) -> Iterator[Ended]:
        """What can be read of it."""
        return (found for each in reversed(self.entries) if (found := _read(each)))


def last_by_type(recents: Iterable[Recent]) -> Mapping[str, Sample]:
    """The last 1,000 outcomes of each type, or as many as there are.

    Args:
        recents: Of different queues.
    """
    found: defaultdict[str, list[Ended]] = defaultdict(list)
    for recent in recents:
        for each in recent.newest_first():
            found[each.type].append(each)
    return {
        kind: _last(sorted(ends, key=lambda each: each.at_ms, reverse=True))
        for kind, ends in found.items()
    }


def ask_recent(pipe: Any, queue: str = "", *, most: int = MOST) -> None:
    """Put on a pipeline the question for the newest outcomes.

    Args:
        pipe: The pipeline.
        queue: Of which queue; empty means all.
        most: How many entries are wanted; 1,000 at most, from 1.
    """
    # More are kept now and then, and each is at least one outcome.
    pipe.lrange(keys.recent(queue), -min(most, MOST), -1)


def _alike(entries: Sequence[bytes | str]) -> Iterator[tuple[Ended, int]]:
    """Those that are alike but for their time are read once, and come with their number."""
    for tail, count in Counter(map(_BEHIND_TIME, entries)).items():
        if (ended := _read(as_text(tail))) is not None:
            yield ended, count


def _time(entry: bytes | str) -> int:
    try:
        return int(entry[:_TIME])
    except ValueError:
        return 0


def _last(newest_first: Iterable[Ended]) -> Sample:
    found = {"finished": 0, "failed": 0}
    left = MOST
    for each in newest_first:
        if not left:
            break
        if each.outcome in found:
            # Those of one entry ended alike, so it does not matter which of them are left out.
            found[each.outcome] += min(left, each.number)
            left -= min(left, each.number)
    return Sample(**found)


def _read(entry: bytes | str) -> Ended | None:
    at, _, rest = as_text(entry).partition("|")
    parts = rest.rsplit("|", _PARTS_BEHIND)
    try:
        return Ended(int(at or 0), parts[-3], parts[-2], int(parts[-1]))
    except (ValueError, IndexError):
        return None
