"""How the engine names what it counts in a bucket, and what that means. Pure.

A counter of runs is `QUEUE|TYPE|OUTCOME|` and `n`, `run`, `wait`, `run:PLACE` or `wait:PLACE`;
times are in microseconds, and places those of `histograms`. Beside them stand
`tenant|TENANT|QUEUE|TYPE|OUTCOME|n` and `failure|FINGERPRINT|QUEUE|TYPE|n`. A type and an outcome
have no `|`; queues of other programs, and tenants, may have some.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from monitoring.answers import as_text
from monitoring.figures import Figures, Tally
from monitoring.histograms import Histogram

_TENANT, _FAILURE = "tenant|", "failure|"
_BARS_OF_RUNS = 2  # between queue, type and outcome
_LONGEST_PLACE = 4  # digits; any time of a run has three at most


class Stat(NamedTuple):
    """What runs are counted under.

    Args:
        queue: The name of a queue, with its three priorities; of streams, that of their family.
        type: The wire name of a message, or the function of a foreign job; `unknown` for neither.
    """

    queue: str
    type: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the fields of one bucket say.

    Args:
        figures: Per queue and type.
        tenants: Per tenant, queue and type: how many runs had each outcome.
        failures: Per fingerprint, queue and type: how many attempts failed so.
    """

    figures: Mapping[Stat, Figures]
    tenants: Mapping[tuple[str, Stat], Mapping[str, int]]
    failures: Mapping[tuple[str, Stat], int]


_Parts = Mapping[str, int]


def read_fields(fields: Mapping[bytes, bytes] | Mapping[str, str]) -> Found:
    """Understand a bucket. What is no counter of ours, or no number, is passed over.

    Args:
        fields: What HGETALL answers.
    """
    counters = _counters(fields)
    runs = {name: parts for name, parts in counters.items() if _is_of_runs(name, parts)}
    figures: defaultdict[Stat, dict[str, Tally]] = defaultdict(dict)
    for name, parts in runs.items():
        stat, outcome = _split(name)
        figures[stat][outcome] = _tally(parts)
    others = {name: parts["n"] for name, parts in counters.items() if name not in runs}
    return Found(
        {stat: Figures(outcomes) for stat, outcomes in figures.items()},
        _tenants(others, runs),
        dict(_failures(others)),
    )


def _counters(fields: Mapping[bytes, bytes] | Mapping[str, str]) -> Mapping[str, _Parts]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for field, value in fields.items():
        name, _, part = as_text(field).rpartition("|")
        try:
            found[name][part] = int(value)
        except ValueError:
            continue
    return {name: parts for name, parts in found.items() if "n" in parts}


def _is_of_runs(name: str, parts: _Parts) -> bool:
    # A queue of somebody else's may be called like a tenant's counter; but only runs have a time.
    is_other = name.startswith((_TENANT, _FAILURE)) and "run" not in parts
    return not is_other and name.count("|") >= _BARS_OF_RUNS


def _split(name: str) -> tuple[Stat, str]:
    queue, kind, outcome = name.rsplit("|", 2)
    return Stat(queue, kind), outcome


def _tally(parts: _Parts) -> Tally:
    return Tally(parts["n"], _histogram(parts, "run"), _histogram(parts, "wait"))


def _histogram(parts: _Parts, what: str) -> Histogram:
    begin = f"{what}:"
    texts = ((part.removeprefix(begin), part) for part in parts if part.startswith(begin))
    places = {
        int(text): parts[part]
        for text, part in texts
        if text.isdecimal() and len(text) <= _LONGEST_PLACE
    }
    return Histogram.of(places, parts.get(what, 0))


def _tenants(
    others: Mapping[str, int], runs: Mapping[str, _Parts]
) -> Mapping[tuple[str, Stat], Mapping[str, int]]:
    found: defaultdict[tuple[str, Stat], dict[str, int]] = defaultdict(dict)
    for name, count in others.items():
        if name.startswith(_TENANT) and (cut := _cut(name.removeprefix(_TENANT), runs)):
            tenant, stat, outcome = cut
            found[tenant, stat][outcome] = count
    return found


def _cut(name: str, runs: Mapping[str, _Parts]) -> tuple[str, Stat, str] | None:
    """The tenant, where the rest is counted for all tenants, too; else the shortest that can be."""
    bars = [at for at, letter in enumerate(name) if letter == "|"][:-_BARS_OF_RUNS]
    if not bars:
        return None
    at = next((at for at in reversed(bars) if name[at + 1 :] in runs), bars[0])
    return (name[:at], *_split(name[at + 1 :]))


def _failures(others: Mapping[str, int]) -> Iterator[tuple[tuple[str, Stat], int]]:
    for name, count in others.items():
        fingerprint, _, rest = name.removeprefix(_FAILURE).partition("|")
        if name.startswith(_FAILURE) and "|" in rest:
            yield (fingerprint, Stat(*rest.rsplit("|", 1))), count
