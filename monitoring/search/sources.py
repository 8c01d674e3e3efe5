"""Where candidates come from: parts of the index, and the lists and sets in which jobs stand.

Each gives the newest first, and can go on behind a place that a cursor remembers. What `left` says
is what was there when the search began; what comes later is not looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from monitoring.packing import command
from workers.indexing import matching

Place = list[Any]
"""How far a source was looked through, as JSON; each source knows its own."""
Order = tuple[int, str, int, int]
"""Where a source stands among those of a search; the same in each of its pages."""


class Seen(Protocol):
    """Jobs that are not to be found, or not again; a set of their ids, or what tells them so."""

    def __contains__(self, job_id: object, /) -> bool: ...

    def add(self, job_id: str, /) -> None:
        """Remember one more."""


@dataclass(frozen=True)
class Chunk:
    """Candidates that were read together.

    Args:
        source: Whose they are.
        ids: The jobs.
        place: Gives the place behind one of them, by its number.
    """

    source: "Source"
    ids: Sequence[str]
    place: Callable[[int], Place]


class Source(Protocol):
    """One part of what is searched."""

    order: Order
    state: str | None
    """In which its jobs are; None if that must be asked."""
    kind: str | None
    """The type of its messages; None if that must be asked."""
    left: int
    """How many candidates there are still, at most."""

    def find(self, place: Place) -> Sequence[bytes]:
        """What must be asked to go on behind a place."""

    def go_on(self, place: Place, answers: Sequence[Any]) -> None:
        """Go on there, once that is answered."""

    def read(self, count: int) -> Sequence[bytes]:
        """What to ask for the next candidates; afterwards that many fewer are left."""

    def take(self, answers: Sequence[Any], seen: Seen) -> Chunk:
        """The candidates that were answered, without those that were seen."""


@dataclass
class Known:
    """Ids that are known already.

    Args:
        ids: Each once.
    """

    ids: Sequence[str]
    order: Order = (0, "", 0, 0)
    state: str | None = None
    kind: str | None = None

    def __post_init__(self) -> None:
        """The newest first: ids begin with the time."""
        self._rest = sorted(self.ids, reverse=True)
        self.left = len(self._rest)
        self._next: Sequence[str] = ()

    def find(self, place: Place) -> Sequence[bytes]:
        """See `Source`, like all that follow."""
        self._rest = [job_id for job_id in self._rest if job_id < place[0]]
        self.left = len(self._rest)
        return ()

    def go_on(self, place: Place, answers: Sequence[Any]) -> None:
        """All is done."""

    def read(self, count: int) -> Sequence[bytes]:
        """Nothing is to be asked."""
        self._next, self._rest = self._rest[:count], self._rest[count:]
        self.left = len(self._rest)
        return ()

    def take(self, answers: Sequence[Any], seen: Seen) -> Chunk:
        """What was meant by `read`."""
        del answers, seen
        ids = self._next
        return Chunk(self, ids, lambda number: [ids[number]])


@dataclass
class Value:
    """The jobs with one value of an indexed field.

    Args:
        key: The sorted set of the field.
        value: As a person writes it.
        prefix: How their ids begin; empty for all.
        kind: The message type.
        order: See `Source`.
        left: How many there are.
    """

    key: str
    value: str
    prefix: str
    kind: str | None
    order: Order
    left: int = 0
    state: str | None = None

    def __post_init__(self) -> None:
        """Begin with the newest."""
        least, most = matching(self.value)
        self._begin = least[1:]
        self.least, self.most = least, most
        if self.prefix:
            self.least = least + self.prefix.encode()
            self.most = b"(%b%b\xff" % (self._begin, self.prefix.encode())
        self._asked = 0

    def find(self, place: Place) -> Sequence[bytes]:
        """See `Source`, like all that follow."""
        self.most = b"(%b%b" % (self._begin, place[0].encode())
        return ()

    def go_on(self, place: Place, answers: Sequence[Any]) -> None:
        """All is done."""

    def count(self) -> bytes:
        """What to ask for `left`."""
        return command("ZLEXCOUNT", self.key, self.least, self.most)

    def read(self, count: int) -> Sequence[bytes]:
        """The next ones, by their text."""
        self._asked = count
        self.left -= count
        part = ("LIMIT", 0, count)
        return [command("ZREVRANGEBYLEX", self.key, self.most, self.least, *part)]

    def take(self, answers: Sequence[Any], seen: Seen) -> Chunk:
        """Their ids stand behind the value."""
        del seen
        members: Sequence[bytes] = answers[0] or ()
        if len(members) < self._asked:
            self.left = 0
        if members:
            self.most = b"(" + members[-1]
        ids = [member[len(self._begin) :].decode() for member in members]
        return Chunk(self, ids, lambda number: [ids[number]])


@dataclass
class Half:
    """A half of the index of a type: its jobs by the time at which they were stored.

    An entry keeps its number for as long as the half lives, so a place is a number.

    Args:
        key: Its list.
        head: Its first entry, by which it is known again.
        kind: The message type.
        order: See `Source`.
        first: The number of the oldest entry that matters, from 0.
        last: The number of the newest one.
    """

    key: str
    head: str
    kind: str | None
    order: Order
    first: int
    last: int
    state: str | None = None

    def __post_init__(self) -> None:
        """Begin with the newest."""
        self.left = self.last - self.first + 1
        self._asked = (0, 0)

    def narrow(self, first: int, last: int) -> None:
        """Leave out what is older or newer.

        Args:
            first: The number of the oldest entry that matters.
            last: The number of the newest one.
        """
        self.first, self.last = first, last
        self.left = max(0, last - first + 1)

    def find(self, place: Place) -> Sequence[bytes]:
        """See `Source`, like all that follow."""
        self.narrow(self.first, min(self.last, place[1]))
        return ()

    def go_on(self, place: Place, answers: Sequence[Any]) -> None:
        """All is done."""

    def read(self, count: int) -> Sequence[bytes]:
        """The next ones, downwards."""
        begin = max(self.first, self.last - count + 1)
        self._asked = (begin, self.last)
        self.narrow(self.first, begin - 1)
        return [command("LRANGE", self.key, *self._asked)]

    def take(self, answers: Sequence[Any], seen: Seen) -> Chunk:
        """Each entry begins with a time and an id."""
        del seen
        begin, _ = self._asked
        lines = (answers[0] or ())[::-1]
        ids = [line.partition(b"\n")[0].partition(b" ")[2].decode() for line in lines]
        newest = begin + len(ids) - 1
        return Chunk(self, ids, lambda number: [self.head, newest - number - 1])
