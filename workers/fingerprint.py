"""Which failures are the same: a short name for an error by its class, its place and its text.

Numbers, ids and quoted values differ from one failure to the next and do not count. Two releases
may move a line, so places are functions and not line numbers.
"""

import hashlib
import re
import traceback

_FRAMES = 3
"""Innermost functions that count: enough to tell callers apart, few enough to survive a detour."""
_DIGITS = 12
"""Hexadecimal digits: 48 bits, so that 10,000 different failures share a name once in 5 million."""
_LONGEST = 200  # characters of the text

_VALUE = re.compile(
    r"0x[0-9a-fA-F]+"  # addresses
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"  # UUIDs
    r"|'[^']*'|\"[^\"]*\""  # quoted values
    r"|\b[0-9a-fA-F]{12,}\b"  # hashes and tokens
    r"|\d+(?:[.,:]\d+)*"  # numbers, times, addresses of hosts
)


def fingerprint(error: BaseException) -> str:
    """A name that failures of the same kind have in common.

    Args:
        error: What was raised.

    Returns:
        12 hexadecimal digits.
    """
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    places = [
        f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}" for frame in frames
    ]
    # Our own functions around the handler say nothing of the failure, and the test kit has others.
    theirs = [place for place in places if not place.startswith("workers.")]
    return named(kind, normal_text(_text(error)), *(theirs or places)[-_FRAMES:])


def named(*parts: str) -> str:
    """The name for what makes failures the same.

    Args:
        parts: Class, text, places.
    """
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:_DIGITS]


def normal_text(text: str) -> str:
    """A text without what differs from one failure to the next.

    Args:
        text: Of an error.
    """
    return _VALUE.sub("…", text)[:_LONGEST]


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever a foreign __str__ raises
        return ""
