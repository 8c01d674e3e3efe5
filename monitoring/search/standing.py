"""Candidates that stand in a list or in a sorted set of a queue, in which they come and go."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from monitoring.answers import as_text
from monitoring.packing import command
from monitoring.search.sources import Chunk, Order, Place, Seen

_REMEMBERED = 3  # ids by which a place in a list is found again
_OVERLAP = 50  # entries read again, in case that as many newer ones went meanwhile
_DEEPEST = 50_000  # entries that LPOS compares at most, twice: some 3 ms for each id


@dataclass
class Standing:
    """The jobs that stand in a list or in a sorted set of a queue.

    Args:
        key: The key.
        is_list: Whether it is a list.
        state: Of the jobs in it.
        order: See `Source`.
        left: How many there are.
    """

    key: str
    is_list: bool
    state: str | None
    order: Order
    left: int = 0
    kind: str | None = None

    _at: int = field(default=0, init=False)
    _asked: tuple[int, int] = field(default=(0, 0), init=False)
    _began: bool = field(default=False, init=False)

    def find(self, place: Place) -> Sequence[bytes]:
        """See `Source`, like all that follow."""
        at, score, *entries = int(place[0]), float(place[1]), *place[2:]
        if not self.is_list:
            if isnan(score):
                raise ValueError(place)
            bounds = (f"({score!r}", repr(score))
            return [
                *(command("ZCOUNT", self.key, least, "+inf") for least in bounds),
                *(command("ZREVRANK", self.key, entry) for entry in entries),
            ]
        if at > _DEEPEST or not entries:
            return []
        most = ("RANK", -1, "MAXLEN", at + _DEEPEST)
        return [
            command("LLEN", self.key),
            *(command("LPOS", self.key, entry, *most) for entry in entries),
        ]

    def go_on(self, place: Place, answers: Sequence[Any]) -> None:
        """Behind the last entry that is still there.

        If none is, by the score of the last one, and in a list by the number of those before it.
        """
        total, self._at = self.left, max(0, int(place[0]))
        found: Sequence[Any] = ()
        if self.is_list and answers:
            length, *heads = answers
            found = [None if head is None else length - 1 - head for head in heads]
        elif answers:
            above, upto, *found = answers
            self._at = min(max(self._at, above or 0), upto or 0)
        there = [number for number in found if number is not None]
        if there:
            self._at = max(there) + 1
        self.left = max(0, total - self._at)

    def read(self, count: int) -> Sequence[bytes]:
        """The next ones, and some of those before."""
        begin = max(0, self._at - _OVERLAP) if self._began else self._at
        self._began = True
        self._asked = (begin, self._at + count)
        self._at += count
        self.left -= count
        if self.is_list:
            return [command("LRANGE", self.key, -self._at, -begin - 1)]
        return [command("ZREVRANGE", self.key, begin, self._at - 1, "WITHSCORES")]

    def take(self, answers: Sequence[Any], seen: Seen) -> Chunk:
        """Ids; a running job stands there as its id, a colon and its execution."""
        begin, end = self._asked
        entries, scores = self._entries(answers[0] or ())
        if len(entries) < end - begin:
            self.left = 0
        at, ids = [], []
        for number, entry in enumerate(entries):
            job_id = entry.partition(":")[0]
            if job_id not in seen:
                seen.add(job_id)
                at.append(number)
                ids.append(job_id)

        def place(number: int) -> Place:
            end = at[number] + 1
            score = scores[end - 1] if scores else "0"
            return [begin + end, score, *entries[max(0, end - _REMEMBERED) : end]]

        return Chunk(self, ids, place)

    def _entries(self, answer: Sequence[Any]) -> tuple[list[str], Sequence[str]]:
        """The newest first, and of a sorted set their scores."""
        if self.is_list:
            return [as_text(entry) for entry in answer[::-1]], ()
        if answer and isinstance(answer[0], list):  # as RESP 3 tells pairs
            return [as_text(entry) for entry, _ in answer], [repr(score) for _, score in answer]
        told = [as_text(each) for each in answer]
        return told[::2], told[1::2]
