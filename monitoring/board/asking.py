"""What the list of jobs is asked for, as its address has it: chips, columns, links. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from monitoring.errors import InvalidQuery
from monitoring.search.pairs import pairs_of

COLUMNS: Mapping[str, str] = {
    "state": "State",
    "what": "What it is",
    "attempt": "Attempt",
    "next": "Next try",
    "queue": "Queue",
    "sent": "Sent",
    "ended": "Ended",
}
"""The columns that may be left out, by their names in the address."""
_AT_FIRST = frozenset({"state", "what", "attempt", "next", "queue", "sent"})

_PLAIN = re.compile(r'[^\s"]+')
_ESCAPES = re.compile(r'(["\\])')


@dataclass(frozen=True)
class Chip:
    """One qualifier of a search.

    Args:
        name: Such as `state`.
        value: Such as `failed`.
        text: Both, as one types them.
        without: The address of the same list without it.
    """

    name: str
    value: str
    text: str
    without: str


@dataclass(frozen=True)
class Asked:
    """What one page of the list is.

    Args:
        qualifiers: Names and values.
        typed: What was typed and cannot be read; empty if nothing.
        error: Why it cannot; None if it can.
        columns: The columns that are shown.
        hours: Whether the chart shows a day by hours; else an hour by minutes.
        cursor: Where the page begins; empty for the first one.
        root: What stands in front of the paths of pages.
    """

    qualifiers: Mapping[str, str]
    typed: str = ""
    error: InvalidQuery | None = None
    columns: frozenset[str] = _AT_FIRST
    hours: bool = False
    cursor: str = ""
    root: str = ""

    @property
    def text(self) -> str:
        """The search as one types it."""
        return " ".join(written(*pair) for pair in self.qualifiers.items())

    @property
    def chips(self) -> Sequence[Chip]:
        """The qualifiers, each with the address without it."""
        return [
            Chip(name, value, written(name, value), self.with_(name, None))
            for name, value in self.qualifiers.items()
        ]

    @property
    def kept(self) -> Sequence[tuple[str, str]]:
        """What a form must send beside the search, as names and values."""
        return [pair for pair in self._pairs() if pair[0] != "q"]

    def with_(self, name: str, value: str | None) -> str:
        """The address of the same list with another value of a qualifier.

        Args:
            name: The qualifier.
            value: None leaves it out.
        """
        changed = {**self.qualifiers, name: value or ""}
        return replace(self, qualifiers={k: v for k, v in changed.items() if v}, cursor="").address

    def page(self, cursor: str) -> str:
        """The address of another page of the list.

        Args:
            cursor: Where it begins; empty for the first one.
        """
        return replace(self, cursor=cursor).address

    def over(self, *, hours: bool) -> str:
        """The address of the same page with another chart.

        Args:
            hours: Whether it shows a day by hours.
        """
        return replace(self, hours=hours).address

    @property
    def address(self) -> str:
        """The address of the page."""
        query = urlencode(list(self._pairs()))
        return f"{self.root}/jobs?{query}" if query else f"{self.root}/jobs"

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.qualifiers:
            yield "q", self.text
        if self.columns != _AT_FIRST:
            yield "cols", ""  # so that none at all is a choice, too
            yield from (("cols", name) for name in COLUMNS if name in self.columns)
        if self.hours:
            yield "over", "day"
        if self.cursor:
            yield "cursor", self.cursor


def asked_for(
    parts: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    over: str = "",
    cursor: str = "",
    root: str = "",
) -> Asked:
    """Read an address.

    Args:
        parts: Of the search: what was there, then what was typed; a later value of a qualifier
            takes the place of an earlier one.
        columns: Names of columns; None for those that are shown at first.
        over: `day` for the chart of a day.
        cursor: Where the page begins.
        root: What stands in front of the paths of pages.
    """
    found: dict[str, str] = {}
    typed, error = "", None
    for part in parts:
        try:
            found |= dict(pairs_of(part))
        except InvalidQuery as wrong:
            typed, error = part, wrong
    chosen = _AT_FIRST if columns is None else frozenset(columns) & frozenset(COLUMNS)
    return Asked(
        qualifiers=found,
        typed=typed,
        error=error,
        columns=chosen,
        hours=over == "day",
        cursor=cursor,
        root=root,
    )


def written(name: str, value: str) -> str:
    """A qualifier as one types it.

    Args:
        name: Such as `error`.
        value: In double quotes if it has spaces.
    """
    if _PLAIN.fullmatch(value):
        return f"{name}:{value}"
    escaped = _ESCAPES.sub(r"\\\1", value)
    return f'{name}:"{escaped}"'
