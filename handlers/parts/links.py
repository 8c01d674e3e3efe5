"""Finds the links in what people write."""

import re
from collections.abc import Sequence

LONGEST_LINK = 2_000
"""Bytes; PostgreSQL indexes no text above 2,704, and few programs open a link of that length."""

_LINK = re.compile(r"https?://\w[^\s<>\"']*", re.IGNORECASE)
_END = ".,;:!?"  # of a sentence
_PAIRS = {")": "(", "]": "[", "}": "{"}


def links_in(text: str) -> Sequence[str]:
    """The links in a text, each once, in their order.

    Args:
        text: As somebody wrote it.

    Returns:
        Links without the sentence around them; those above `LONGEST_LINK` are left out.
    """
    found = (link for link in _LINK.findall(text) if len(link.encode()) <= LONGEST_LINK)
    return list(dict.fromkeys(map(_trimmed, found)))


def _trimmed(link: str) -> str:
    while link[-1] in _END or _closes_what_is_outside(link):
        link = link[:-1]
    return link


def _closes_what_is_outside(link: str) -> bool:
    opening = _PAIRS.get(link[-1])
    return opening is not None and link.count(opening) < link.count(link[-1])
