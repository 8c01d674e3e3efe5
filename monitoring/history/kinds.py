"""What is told of one kind of history. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of history.

    Args:
        name: Such as `finishedJobs`.
        entries: How many there are.
        bytes: What they take in Redis, with their places in lists.
        measured: Keys whose size was asked for.
        estimates: Which of these numbers come from a sample.
        settings: Names of settings that say how much is kept.
        limit: What is kept in any case, in words; empty if settings say it.
    """

    name: str
    entries: int
    bytes: int
    measured: int
    estimates: tuple[str, ...] = ("bytes",)
    settings: tuple[str, ...] = ()
    limit: str = ""

    def told(self, values: Mapping[str, Any]) -> JsonDict:
        """The kind as JSON.

        Args:
            values: Of all settings, by their names.
        """
        return {
            "kind": self.name,
            "entries": self.entries,
            "bytes": self.bytes,
            "measuredKeys": self.measured,
            "sampled": list(self.estimates),
            "settings": {name: values[name] for name in self.settings},
            "limit": self.limit or None,
        }


@dataclass(frozen=True)
class Saving:
    """What another value of a setting would save now.

    Args:
        setting: Its name.
        instead: The other value.
        bytes: How many; about.
    """

    setting: str
    instead: int | str
    bytes: int


@dataclass(frozen=True)
class Found:
    """What one reader found."""

    kinds: tuple[Kind, ...] = ()
    savings: tuple[Saving, ...] = field(default=())
