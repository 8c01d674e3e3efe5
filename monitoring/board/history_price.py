"""What history costs, in words that people use, the dearest first. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.board.wording import duration

JsonDict = dict[str, Any]

_COLOURS = ("r", "d", "w", "y")
_SHOWN = 4
_GAP = 0.6


@dataclass(frozen=True)
class Cost:
    """What one kind of history costs.

    Args:
        name: In words.
        bytes: About.
        entries: How many.
        kept: For how long, or how many; settings by their names.
        colour: Its letter in the bar; empty for those that are too small to be seen in it.
    """

    name: str
    bytes: int
    entries: int
    kept: str
    colour: str = ""


@dataclass(frozen=True)
class Price:
    """What all history costs.

    Args:
        costs: By kind, the dearest first; those without entries are left out.
        bytes: All of them.
        used: What the server uses in all; None if it does not say.
        savings: What other settings would save, as `get_history_cost` tells it.
        bars: Of each kind with a colour its letter, place and width, of 100.
    """

    costs: Sequence[Cost]
    bytes: int
    used: int | None
    savings: Sequence[JsonDict]
    bars: Sequence[tuple[str, str, str]]


def price_of(told: Mapping[str, Any]) -> Price:
    """The price of history.

    Args:
        told: As `get_history_cost` returns it.
    """
    kinds = sorted(told["kinds"], key=lambda each: -each["bytes"])
    kinds = [each for each in kinds if each["entries"]]
    colours = (*_COLOURS, *[""] * len(kinds))
    costs = [_cost(each, colour) for each, colour in zip(kinds, colours, strict=False)]
    return Price(
        costs,
        told["historyBytes"],
        told["usedBytes"],
        told["savings"],
        _bars(costs, told["historyBytes"]),
    )


def _cost(kind: JsonDict, colour: str) -> Cost:
    kept = ", ".join(_told(name, value) for name, value in kind["settings"].items())
    return Cost(worded(kind["kind"]), kind["bytes"], kind["entries"], kept or kind["limit"], colour)


def _told(name: str, value: Any) -> str:
    if name.endswith("_TTL") and isinstance(value, int) and value >= 0:
        return f"{name} = {value} s ({duration(1000 * value)})"
    return f"{name} = {value}"


def worded(name: str) -> str:
    """A name in camelCase as words: `Finished jobs` for `finishedJobs`.

    Args:
        name: Of a kind of history.
    """
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced[:1].upper() + spaced[1:]


def _bars(costs: Sequence[Cost], whole: int) -> Sequence[tuple[str, str, str]]:
    found, at = [], 0.0
    for cost in costs[:_SHOWN]:
        width = (100 - _GAP * _SHOWN) * cost.bytes / (whole or 1)
        found.append((cost.colour, f"{at:.1f}", f"{width:.1f}"))
        at += width + _GAP
    return found
