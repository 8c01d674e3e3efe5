"""Titles of at most 50 characters: made of a note, or cut from what somebody else wrote."""

import re

from handlers.parts.markdown import FENCE

MAX_TITLE = 50
"""Characters a title has at most."""

_NO_TITLE = "Untitled note"
_LOOKED_AT = 500  # characters of a line; a title is made of its beginning

_LEADING = re.compile(r"(?:#{1,6}|-|\d+\.|(?:> ?)+)(?:\s+|$)")
_INLINE = (
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"(\*\*|__|~~|`+)(.+?)\1"), r"\2"),
    (re.compile(r"(?<!\w)[*_](\S(?:.*?\S)?)[*_](?!\w)"), r"\1"),
    (re.compile(r"^\[[ xX]\]\s+"), ""),
)


def title_of(markdown: str) -> str:
    """A title for a note: its first heading, else its first words.

    Args:
        markdown: Clean Markdown.

    Returns:
        One line of 1 to 50 characters, without markup.
    """
    lines = _outside_code(markdown)
    headings = [line for line in lines if line.startswith("#")]
    candidates = (_without_markup(line[:_LOOKED_AT]) for line in (*headings, *lines))
    return shorten(next(filter(None, candidates), _NO_TITLE))


def shorten(text: str) -> str:
    """Cut a line to the length of a title: after its first sentence, else between two words.

    Args:
        text: One line.

    Returns:
        At most 50 characters; an ellipsis says that words are missing.
    """
    text = " ".join(text.split())
    if len(text) <= MAX_TITLE:
        return text
    sentence = re.match(rf".{{10,{MAX_TITLE - 1}}}?[.!?](?=\s)", text)
    if sentence:
        return sentence[0].rstrip(".")
    head, space, _ = text[:MAX_TITLE].rpartition(" ")
    return (head if space else text[: MAX_TITLE - 1]).rstrip(" ,;:-") + "…"


def _outside_code(markdown: str) -> list[str]:
    lines, closing = [], ""
    for line in map(str.strip, markdown.split("\n")):
        if closing:
            closing = "" if line == closing else closing
        elif opening := FENCE.fullmatch(line):
            closing = opening[1]
        elif line:
            lines.append(line)
    return lines


def _without_markup(line: str) -> str:
    text = _LEADING.sub("", line, count=1)
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text.strip("*_`~ ")
