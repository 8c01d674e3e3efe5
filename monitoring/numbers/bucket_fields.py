"""How the engine names what it counts in a bucket, and what that means. Pure.

Sums are `QUEUE|TYPE|OUTCOME|` and `n`, `run` or `wait`, in microseconds. Beside them stand
`tenant|TENANT|QUEUE|TYPE|OUTCOME|n` and `failure|FINGERPRINT|QUEUE|TYPE|n`. Histograms are apart,
by queue: `TYPE|OUTCOME|` and `run:PLACE` or `wait:PLACE`, with the places of `histograms`. A type
and an outcome have no `|`; queues of other programs, and tenants, may have some.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from monitoring.answers import as_text
from monitoring.numbers.figures import Figures, Tally
from monitoring.numbers.histograms import Histogram

_TENANT, _FAILURE = "tenant|", "failure|"
_BARS_OF_RUNS = 2  # between queue, type and outcome
_LONGEST_PLACE = 4  # digits; the place of any time that a run takes has three at most


class Stat(NamedTuple):
    """What runs are counted under.

    Args:
        queue: The name of a queue, with its three priorities; of streams, that of their family.
        type: The wire name of a message, or the function of a foreign job; `unknown` for neither.
    """

    queue: str
    type: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What the sums of one bucket say.

    Args:
        figures: Per queue and type, with histograms that have sums only: no percentiles, and of
            waits no count either.
    """

    figures: Mapping[Stat, Figures]


Fields = Mapping[bytes, bytes] | Mapping[str, str]
Places = Mapping[int, int]
Times = Mapping[tuple[str, str, str], Places]
"""By type, outcome, and `run` or `wait`."""

_Parts = Mapping[str, int]


def read_sums(*buckets: Fields) -> Sums:
    """Understand sums. What is no counter of ours, or no number, is passed over.

    Args:
        buckets: What HGETALL answers for each; they are added up before they are understood,
            which takes a fraction of the time.
    """
    figures: defaultdict[Stat, dict[str, Tally]] = defaultdict(dict)
    for name, parts in _numbers(*buckets).items():
        if "n" in parts and _is_of_runs(name, parts):
            stat, outcome = _split(name)
            figures[stat][outcome] = _tally(parts)
    return Sums({stat: Figures(outcomes) for stat, outcomes in figures.items()})


def read_times(*buckets: Fields) -> Times:
    """Understand the histograms of a queue; as for `read_sums`.

    Args:
        buckets: What HGETALL answers for each; they are added up.
    """
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for field, count in _added(buckets).items():
        name, _, place = as_text(field).rpartition(":")
        if place.isdecimal() and len(place) <= _LONGEST_PLACE:
            found[name][int(place)] = count
    return {parts: places for name, places in found.items() if (parts := _named(name))}


def _named(name: str) -> tuple[str, str, str] | None:
    parts = name.rsplit("|", _BARS_OF_RUNS)
    return (parts[0], parts[1], parts[2]) if len(parts) > _BARS_OF_RUNS else None


def with_times(figures: Figures, kind: str, times: Times) -> Figures:
    """Figures that know their histograms.

    Args:
        figures: Of a queue and a type, as `read_sums` found them.
        kind: The type.
        times: Of the queue.
    """
    return Figures(
        {
            outcome: Tally(
                tally.count,
                Histogram(times.get((kind, outcome, "run"), {}), tally.run.sum_us, tally.count),
                Histogram.of(times.get((kind, outcome, "wait"), {}), tally.wait.sum_us),
            )
            for outcome, tally in figures.outcomes.items()
        }
    )


def _numbers(*buckets: Fields) -> Mapping[str, _Parts]:
    """By all that stands before the last bar, and by what stands behind it."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for field, value in _added(buckets).items():
        name, _, part = as_text(field).rpartition("|")
        found[name][part] = value
    return found


def _added(buckets: Iterable[Fields]) -> Mapping[bytes | str, int]:
    found: dict[bytes | str, int] = {}
    for fields in buckets:
        numbers = _sound(fields)
        if found:
            numbers = {field: found.get(field, 0) + number for field, number in numbers.items()}
        found.update(numbers)
    return found


def _sound(fields: Fields) -> Mapping[bytes | str, int]:
    try:
        return {field: int(value) for field, value in fields.items()}
    except ValueError:
        return {field: int(value) for field, value in fields.items() if _is_number(value)}


def _is_number(value: bytes | str) -> bool:
    digits = as_text(value).removeprefix("-")
    return digits.isascii() and digits.isdecimal()


def _is_of_runs(name: str, parts: _Parts) -> bool:
    # A queue of somebody else's may be called like a tenant's counter; but only runs have a time.
    is_other = name.startswith((_TENANT, _FAILURE)) and "run" not in parts
    return not is_other and name.count("|") >= _BARS_OF_RUNS


def _split(name: str) -> tuple[Stat, str]:
    queue, kind, outcome = name.rsplit("|", 2)
    return Stat(queue, kind), outcome


def _tally(parts: _Parts) -> Tally:
    count = parts["n"]
    run, wait = parts.get("run", 0), parts.get("wait", 0)
    return Tally(count, Histogram({}, run, count), Histogram({}, wait))
