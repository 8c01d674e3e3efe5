"""The halves of the index of message types, and the parts of them that are of a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from monitoring.answers import as_text
from monitoring.packing import command
from monitoring.search.query import SearchQuery
from monitoring.search.sources import Half
from monitoring.search.trips import Trips
from workers import keys
from workers.tenant_keys import older_tenant_index, tenant_index
from workers.tenants import tenant_mark

_KEYS = (keys.index, keys.older_index)
_KEYS_OF_TENANT = (tenant_index, older_tenant_index)
_PROBES = 32  # entries of a half that one round trip looks at
_ROUNDS = 4  # 32 ** 4 are a million
_CLOSE = 200  # entries that are not worth another round trip

_SLACK_MS = 60_000  # of the sender's clock against that of Redis, and of the way between them
_LONGEST_MADE_MS = 600_000  # a message has its id when it is made, and its place when it is stored

_TIME_DIGITS = 12  # hexadecimal digits of an id that are its time in ms


def ask_halves(kinds: Sequence[str]) -> list[bytes]:
    """What to ask for `halves_of`.

    Args:
        kinds: The message types.
    """
    return [
        command(*parts)
        for kind in kinds
        for key_of in _KEYS
        for parts in (("LLEN", key_of(kind)), ("LINDEX", key_of(kind), 0))
    ]


def halves_of(kinds: Sequence[str], answers: Iterator[Any]) -> list[Half]:
    """The halves that have entries, for each type the newer one first.

    Args:
        kinds: The message types.
        answers: What `ask_halves` was answered.
    """
    found = []
    for kind in kinds:
        for place, key_of in enumerate(_KEYS):
            length, line = islice(answers, 2)
            if line is not None:
                head = as_text(line.partition(b"\n")[0])
                found.append(Half(key_of(kind), head, kind, (0, kind, place, 0), 0, length - 1))
    return found


def ask_halves_of_tenant(tenant: str | None) -> list[bytes]:
    """What to ask for `halves_of_tenant`.

    Args:
        tenant: Whose jobs; None asks nothing.
    """
    mark = tenant_mark(tenant)
    return [
        command(*parts)
        for key_of in _KEYS_OF_TENANT
        if mark
        for parts in (("LLEN", key_of(mark)), ("LINDEX", key_of(mark), 0))
    ]


def halves_of_tenant(tenant: str | None, answers: Iterator[Any]) -> list[Half]:
    """The halves of the index of a tenant's jobs that have entries, the newer one first.

    Args:
        tenant: Whose jobs.
        answers: What `ask_halves_of_tenant` was answered.
    """
    mark, found = tenant_mark(tenant), []
    for place, key_of in enumerate(_KEYS_OF_TENANT if mark else ()):
        length, line = islice(answers, 2)
        if line is not None:
            order = (0, "", place, 0)
            found.append(Half(key_of(mark), as_text(line), None, order, 0, length - 1))
    return found


def narrow_to(query: SearchQuery, halves: Sequence[Half], trips: Trips) -> None:
    """Leave out the entries that are too old or too new, in up to four round trips.

    Args:
        query: Its times, and the time that the begin of an id says.
        halves: All of them; changed.
        trips: Asks.
    """
    least, most = _times(query)
    if least is None and most is None:
        return
    pairs = [
        (half, _Search(half, least or 0), _Search(half, (most or 1 << 62) + 1)) for half in halves
    ]
    searches = [each for _, *both in pairs for each in both]
    for _ in range(_ROUNDS):
        open_ones = [each for each in searches if not each.is_close]
        if not open_ones:
            break
        answers = iter(trips.ask([asked for each in open_ones for asked in each.ask()]))
        for each in open_ones:
            each.hear(answers)
    for half, before, after in pairs:
        half.narrow(before.least, after.most - 1)


def _times(query: SearchQuery) -> tuple[int | None, int | None]:
    least = [] if query.since is None else [int(query.since.timestamp() * 1000) - _SLACK_MS]
    most = [] if query.until is None else [int(query.until.timestamp() * 1000) + _SLACK_MS]
    digits = (query.job_id or "").replace("-", "")[:_TIME_DIGITS]
    if digits and all(digit in "0123456789abcdef" for digit in digits):
        least.append(int(digits.ljust(_TIME_DIGITS, "0"), 16) - _SLACK_MS)
        most.append(int(digits.ljust(_TIME_DIGITS, "f"), 16) + _LONGEST_MADE_MS)
    return max(least, default=None), min(most, default=None)


@dataclass
class _Search:
    """How many entries of a half are older than a time: between `least` and `most`."""

    half: Half
    time_ms: int

    def __post_init__(self) -> None:
        self.least, self.most = 0, self.half.last + 1
        self._probes: Sequence[int] = ()

    @property
    def is_close(self) -> bool:
        return self.most - self.least <= _CLOSE

    def ask(self) -> Iterator[bytes]:
        width = self.most - self.least
        self._probes = [self.least + width * part // _PROBES for part in range(_PROBES)]
        return (command("LINDEX", self.half.key, probe) for probe in self._probes)

    def hear(self, answers: Iterator[Any]) -> None:
        for probe, line in zip(self._probes, list(islice(answers, len(self._probes))), strict=True):
            if line is not None and int(line.partition(b" ")[0]) < self.time_ms:
                self.least = max(self.least, probe + 1)
            else:
                self.most = min(self.most, probe)
