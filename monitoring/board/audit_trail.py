"""A page of the audit log, of one person, action or thing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from pydantic import JsonValue

from workers.audit import AuditEntry

ROWS = 25


@dataclass(frozen=True)
class Filters:
    """What of the log is asked for.

    Args:
        who: Part of the actor's name.
        did: An action, such as `queue.pause`.
        on: Part of what it was done to.
        after: How many fitting entries come before the page.
    """

    who: Annotated[str, Query(max_length=200)] = ""
    did: Annotated[str, Query(max_length=200)] = ""
    on: Annotated[str, Query(max_length=500)] = ""
    after: Annotated[int, Query(ge=0, le=10_000)] = 0

    def fits(self, entry: AuditEntry) -> bool:
        """Whether an entry is asked for."""
        return (
            self.who.lower() in entry.actor.lower()
            and self.did in {"", entry.action}
            and self.on.lower() in entry.target.lower()
        )

    def query(self, after: int) -> str:
        """The part of an address that asks for another page of the same.

        Args:
            after: Where it begins.
        """
        asked = {"tab": "audit", "who": self.who, "did": self.did, "on": self.on, "after": after}
        return urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True)
class Row:
    """An entry as it is shown.

    Args:
        key: Names it among the others.
        entry: Who did what.
        details: Names and counts in one line.
    """

    key: str
    entry: AuditEntry
    details: str


@dataclass(frozen=True)
class Trail:
    """A page of the log.

    Args:
        rows: Newest first.
        actions: All that were done, for the filter.
        total: How many entries fit.
        newer: The address of the page before; empty if there is none.
        older: Likewise of the page after.
    """

    rows: Sequence[Row]
    actions: Sequence[str]
    total: int
    newer: str = ""
    older: str = ""


def trail_of(entries: Sequence[AuditEntry], filters: Filters) -> Trail:
    """The page that is asked for.

    Args:
        entries: Newest first.
        filters: What of them.
    """
    found = [each for each in entries if filters.fits(each)]
    begin, end = filters.after, filters.after + ROWS
    return Trail(
        rows=[_row(each) for each in found[begin:end]],
        actions=sorted({each.action for each in entries}),
        total=len(found),
        newer=filters.query(max(0, begin - ROWS)) if begin else "",
        older=filters.query(end) if len(found) > end else "",
    )


def _row(entry: AuditEntry) -> Row:
    details = ", ".join(f"{name} {_told(value)}" for name, value in entry.details.items())
    return Row(f"{entry.at} {entry.action} {entry.target}", entry, details[:300])


def _told(value: JsonValue) -> str:
    """A detail without marks of a program."""
    if isinstance(value, dict):
        return " and ".join(f"{name} {_told(each)}" for name, each in value.items()) or "nothing"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
