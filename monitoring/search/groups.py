"""The failures whose text has certain words, and the jobs that they name."""

import re
from collections.abc import Iterator, Sequence

from monitoring.answers import as_text
from monitoring.errors import InvalidQuery
from monitoring.packing import command, hash_fields
from monitoring.search.trips import Trips
from workers import keys
from workers.fingerprint import normal_text

_CHUNK = 500


def words_of(text: str) -> tuple[str, ...]:
    """What must be in an error, without what groups of failures do not know.

    Args:
        text: What somebody typed; numbers, ids and quoted values in it do not matter.

    Raises:
        InvalidQuery: If nothing is left.
    """
    words = tuple(word for word in re.split(r"[\s…]+", normal_text(text.casefold())) if word)
    if not words:
        raise InvalidQuery(
            f"error {text!r} has no words.",
            field="error",
            remedy="Failures are known by their text without numbers, ids and quoted values.",
        )
    return words


def failed_like(words: Sequence[str], trips: Trips) -> tuple[Sequence[str], Sequence[str]]:
    """Look through all groups of failures, in up to three round trips.

    Args:
        words: See `words_of`; all must be in the class or the text.
        trips: Asks.

    Returns:
        Fingerprints, the newest failure first, and the ids of their newest jobs, each once.
    """
    names = [as_text(name) for name in trips.ask([command("ZREVRANGE", keys.failures(), 0, -1)])[0]]
    fitting, ids = [], dict[str, None]()
    for begin in range(0, len(names), _CHUNK):
        chunk = names[begin : begin + _CHUNK]
        asked = hash_fields(keys.failure(""), chunk, ("class", "text", "jobs"))
        for name, answer in zip(chunk, trips.ask(asked), strict=True):
            kind, text, jobs = (as_text(part or b"") for part in answer or (b"", b"", b""))
            if _has(f"{kind} {text}".casefold(), words):
                fitting.append(name)
                ids.update(dict.fromkeys(_lines(jobs)))
    return fitting, list(ids)


def _has(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.split("\n") if line)
