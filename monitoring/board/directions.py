"""Characters that turn the direction of what follows them, shown instead of obeyed. Pure."""

import re

_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PARTS = re.compile(r"<textarea.*?</textarea>|<[^>]*>|[^<]+", re.DOTALL)


def straight(html: str) -> str:
    """A page in which nobody's words turn those of others around.

    Args:
        html: As its template made it.

    Returns:
        The same with such characters spelled out by their numbers; not in attributes and fields,
        whose values are sent back.
    """
    return _PARTS.sub(_spelled, html) if _TURNS.search(html) else html


def _spelled(part: re.Match[str]) -> str:
    text = part[0]
    if text.startswith("<"):
        return text
    return _TURNS.sub(lambda turn: turn[0].encode("unicode_escape").decode(), text)
