"""Dead letters, and the groups that their failures make."""

from datetime import datetime
from typing import Any

from monitoring.answers import as_text
from monitoring.history.kinds import Found, Kind, Saving
from monitoring.history.proposals import DAY, shorter
from monitoring.history.rounds import Reading, size_of, spread
from monitoring.packing import command
from workers import keys
from workers.settings import Settings

_MEASURED = 60


def dead_letters(settings: Settings, now: datetime) -> Reading[Found]:
    """Measure up to 60 dead letters, in three round trips.

    Args:
        settings: How long they are kept.
        now: The server's time.
    """
    days = settings.dead_letter_days
    instead = shorter(days * DAY) // DAY
    oldest = f"({now.timestamp() - instead * DAY}"
    places = keys.dead_letters()
    count, old = yield [command("ZCARD", places), command("ZCOUNT", places, "-inf", oldest)]
    ids = yield _members(places, int(count or 0))
    *beside, letters = _split(
        (
            yield [
                *(size_of(key) for key in (places, keys.dead_letter_index())),
                size_of(keys.dead_letters_spilled()),
                *(size_of(keys.dead_letter(as_text(each[0]))) for each in ids if each),
            ]
        ),
        3,
    )
    size = sum(beside) + _scaled(letters, int(count or 0))
    names = ("DEAD_LETTER_DAYS", "DEAD_LETTER_LIMIT")
    kind = Kind("deadLetters", int(count or 0), round(size), len(letters) + 3, settings=names)
    if not instead or not count:
        return Found((kind,))
    return Found((kind,), (Saving(names[0], instead, round(size * int(old) / int(count))),))


def failure_groups() -> Reading[Found]:
    """Measure up to 60 groups of failures, in three round trips."""
    (count,) = yield [command("ZCARD", keys.failures())]
    names = yield _members(keys.failures(), int(count or 0))
    place, groups = _split(
        (
            yield [
                size_of(keys.failures()),
                *(size_of(keys.failure(as_text(each[0]))) for each in names if each),
            ]
        ),
        1,
    )
    size = place + _scaled(groups, int(count or 0))
    limit = "1,000 groups, for 90 days after their last failure"
    kind = Kind("failureGroups", int(count or 0), round(size), len(groups) + 1, limit=limit)
    return Found((kind,))


def _members(key: str, count: int) -> list[bytes]:
    return [command("ZRANGE", key, str(rank), str(rank)) for rank in spread(count, _MEASURED)]


def _split(answers: Any, first: int) -> list[Any]:
    sizes = [int(each or 0) for each in answers]
    return [*sizes[:first], sizes[first:]]


def _scaled(sizes: list[int], count: int) -> float:
    return sum(sizes) * count / len(sizes) if sizes else 0.0
