"""What some messages have in common, and others of their type have not. Pure."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from messages.masking import MASK

_SHOWN = 4
_SHARED = 50  # percent that share a value at least
_TELLING = 10  # percentage points more than elsewhere
_DEEPEST = 4
_LONGEST = 100  # characters of a value
_NEW_EACH_TIME = frozenset(
    {"messageId", "timestamp", "messageType", "causationId", "correlationId", "traceparent"}
)

_GENERAL = ("", "is there", "is a text", "is a number")

Fact = tuple[str, str]
"""A path, and what is so there."""


@dataclass(frozen=True)
class Shared:
    """A value that many have.

    Args:
        path: Where it stands, such as `data.template`.
        value: As it is shown.
        here: Of 100 that died, how many have it.
        everywhere: Of 100 of their type, how many have it; None if no others are known.
    """

    path: str
    value: str
    here: float
    everywhere: float | None

    @property
    def is_telling(self) -> bool:
        """Whether it is more frequent here than elsewhere."""
        return self.everywhere is None or self.here - self.everywhere >= _TELLING


def shared_values(these: Sequence[Any], others: Sequence[Any]) -> Sequence[Shared]:
    """The values that most of some messages have, the most telling first; four at most.

    Args:
        these: Envelopes, masked, two or more.
        others: Likewise, of any messages of the type.
    """
    here = Counter(fact for each in these for fact in set(_facts(each)))
    there = Counter(fact for each in others for fact in set(_facts(each)))
    found = [
        Shared(*fact, 100 * count / len(these), _percent(there[fact], len(others)))
        for fact, count in here.items()
        if 100 * count >= _SHARED * len(these)
    ]
    return sorted(_worth_telling(found), key=_rank)[:_SHOWN]


def _worth_telling(found: Sequence[Shared]) -> Iterator[Shared]:
    """That there is a value, or of which kind, says something only where the value does not."""
    told: set[str] = set()
    for each in sorted(found, key=lambda each: _GENERAL.index(_general(each))):
        says_more = each.is_telling and each.everywhere is not None and each.path not in told
        if says_more or not _general(each):
            yield each
        if each.is_telling:
            told.add(each.path)


def _general(each: Shared) -> str:
    return each.value if each.value in _GENERAL else ""


def _rank(each: Shared) -> tuple[float, float, str]:
    return -(each.here - (each.everywhere or 0.0)), -each.here, each.path


def _percent(count: int, of: int) -> float | None:
    return 100 * count / of if of else None


def _facts(envelope: Any) -> Iterator[Fact]:
    if isinstance(envelope, Mapping):
        for name, value in envelope.items():
            if name not in _NEW_EACH_TIME:
                yield from _within(str(name), value, 0)


def _within(path: str, value: Any, depth: int) -> Iterator[Fact]:
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for name, part in value.items():
            yield from _within(f"{path}.{name}", part, depth + 1)
    elif isinstance(value, str):
        yield path, "is there"
        yield from _of_text(path, value)
    elif value is None or isinstance(value, bool | int | float):
        yield path, "is there"
        yield path, json.dumps(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield path, "is a number"


def _of_text(path: str, value: str) -> Iterator[Fact]:
    yield path, "is a text"
    if value != MASK and len(value) <= _LONGEST:
        yield path, value
    name, at, domain = value.rpartition("@")
    if at and name and "." in domain and " " not in value:
        yield f"{path}, domain", domain
