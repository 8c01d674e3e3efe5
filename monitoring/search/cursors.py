"""Where a page of a search ended, as text that the next one begins with."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitoring.errors import InvalidQuery
from monitoring.search.sources import Order, Place


@dataclass(frozen=True)
class Cursor:
    """A place among the candidates of a search.

    Args:
        query: What was searched for.
        now: When the first page was asked for: `since:2h` means the same for all of them.
        driver: What is looked through; empty before the first page.
        order: Which part of it; None before the first page.
        place: How far that part was looked through.
    """

    query: str
    now: datetime
    driver: str = ""
    order: Order | None = None
    place: Place = field(default_factory=list)

    def behind(self, driver: str, order: Order, place: Place) -> "Cursor":
        """A later place of the same search."""
        return replace(self, driver=driver, order=order, place=place)

    def written(self) -> str:
        """As text."""
        parts = (_mark(self.query), self.now.isoformat(), self.driver, self.order, self.place)
        return urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()


def cursor_from(text: str, query: str) -> Cursor:
    """Read what `written` made.

    Args:
        text: What somebody gave.
        query: The query that it belongs to.

    Raises:
        InvalidQuery: If it is no cursor, or one of another query.
    """
    try:
        mark, now, driver, order, place = json.loads(urlsafe_b64decode(text))
        number, name, *others = order
        found = Cursor(query, _aware(now), str(driver), (int(number), str(name), *_two(others)))
        if mark == _mark(query) and isinstance(place, list):
            return replace(found, place=_checked(place))
    except (ValueError, TypeError):
        pass
    raise no_cursor(text)


def no_cursor(text: str) -> InvalidQuery:
    """The error for what is no cursor, or one of another query.

    Args:
        text: What somebody gave.
    """
    return InvalidQuery(
        f"{text[:40]!r} is no cursor of this query.",
        field="cursor",
        remedy="Use the cursor of the page before, as it is, with the same query.",
    )


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode(errors="replace")).hexdigest()[:12]


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def _two(values: list[int]) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)


def _checked(place: Place) -> Place:
    # A place is an id; or the head of a half and a number; or a number and some entries.
    if not place or not all(isinstance(part, str | int) for part in place):
        raise ValueError(place)
    return place
