"""What somebody typed, as qualifiers and values; what they mean is read in `query`. Pure."""

import re
from collections.abc import Iterator

from monitoring.errors import InvalidQuery

_PART = re.compile(r'\s*(?:([\w.\-]+):)?("(?:[^"\\]|\\.)*"|[^\s"]\S*)?')
_ESCAPED = re.compile(r"\\(.)")
_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


def pairs_of(text: str) -> Iterator[tuple[str, str]]:
    """The qualifiers of a search and their values, as they stand there; nothing else is checked.

    Args:
        text: What somebody typed.

    Raises:
        InvalidQuery: If it cannot be read, or if something has no qualifier and is no id.
    """
    place = 0
    while text[place:].strip():
        part = _PART.match(text, place)
        if part is None or part.end() == place or not (part[1] or part[2]):
            raise _unreadable(text[place:])
        name, value = part[1], part[2] or ""
        if not value and text[part.end() : part.end() + 1] == '"':
            raise _unreadable(text[place:])
        place = part.end()
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        yield (name, value) if name else (_bare(value), value)


def _unreadable(rest: str) -> InvalidQuery:
    return InvalidQuery(
        f"It cannot be read from {rest.strip()[:40]!r} on.",
        field="query",
        remedy='Put a value with spaces in double quotes, as error:"timed out", and \\" within.',
    )


def _bare(word: str) -> str:
    # What people paste is an id, or a part of one.
    if _ID.fullmatch(word):
        return "id"
    raise InvalidQuery(
        f"{word!r} has no qualifier.",
        field="query",
        remedy=f'Say where to look, such as error:"{word}" or id:{word}.',
    )
