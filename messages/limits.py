"""How large and how deep a message may be on the wire, and what text it may hold."""

import re
from collections.abc import Iterable

from messages.errors import InvalidMessage
from messages.fields import MAX_DEPTH

MAX_BYTES = 256_000
"""Largest message on the wire, in bytes of JSON (design: limits)."""


def check_limits(text: bytes) -> None:
    """Refuse a message that is too large or too deep, before it is parsed or written.

    Args:
        text: The JSON.

    Raises:
        InvalidMessage: If it has more than `MAX_BYTES` bytes or `MAX_DEPTH` levels.
    """
    if len(text) > MAX_BYTES:
        raise InvalidMessage(
            f"The message has {len(text):,} bytes; at most {MAX_BYTES:,} are allowed.",
            remedy="Store the large part elsewhere and send its id.",
            code="too_large",
        )
    # A message has at most as many levels as opening brackets, and most have few of them.
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise InvalidMessage(
            f"The message is nested deeper than {MAX_DEPTH} levels.",
            remedy="Flatten it, or send the nested part as text.",
        )


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')


def _depth(text: bytes) -> int:
    level = deepest = 0
    for byte in _STRINGS.sub(b"", text):
        if byte in b"{[":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"}]":
            level -= 1
    return deepest


def not_unicode(value: object, path: str = "") -> str | None:
    """The path of the first text that UTF-8 cannot carry, such as half of a surrogate pair."""
    if isinstance(value, str):
        return path if value != value.encode(errors="replace").decode() else None
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    found = (not_unicode(part, f"{path}.{name}".lstrip(".")) for name, part in parts)
    return next((each for each in found if each is not None), None)
