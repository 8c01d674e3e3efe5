"""Which failures are the same: a short name for an error by its type, class, text and place.

Numbers, ids and quoted values differ from one failure to the next and do not count. Two releases
may move a line, so a place is a function and not a line number.
"""

import hashlib
import re
import sysconfig
import traceback
from collections.abc import Iterator
from functools import lru_cache
from types import FrameType

CRASH = "crash"
"""What stands in the place of an error's class where a process died."""

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


def fingerprint(error: BaseException, message_type: str = "") -> str:
    """A name that failures of the same kind have in common.

    Args:
        error: What was raised.
        message_type: The type of the message that failed; empty if it is not known.

    Returns:
        12 hexadecimal digits.
    """
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return named(message_type, kind, normal_text(_text(error)), place_of(error))


def named(*parts: str) -> str:
    """The name for what makes failures the same.

    Args:
        parts: Message type, class, text, place.
    """
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:_DIGITS]


def crash_fingerprint(cause: str, message_type: str = "") -> str:
    """A name that deaths of processes have in common by which messages of a type were buried.

    Args:
        cause: What is known about the death, such as the signal; its numbers count.
        message_type: The type of the message that was running; empty if it is not known.
    """
    return named(message_type, CRASH, cause, "")


def normal_text(text: str) -> str:
    """A text without what differs from one failure to the next.

    Args:
        text: Of an error.
    """
    return _VALUE.sub("…", text)[:_LONGEST]


def place_of(error: BaseException) -> str:
    """The innermost function of the application's own code that an error came through.

    Args:
        error: What was raised.

    Returns:
        Module and function, such as `handlers.email.send_email`; the innermost function of all
        where only libraries were on its way, and nothing for an error that was never raised.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    places = list(_places(frame for frame in frames if not is_library(frame.f_code.co_filename)))
    # Our own functions around the handler say nothing of the failure, and the test kit has others.
    theirs = [place for place in places if not place.startswith("workers.")]
    return next(reversed(theirs or places or list(_places(iter(frames)))), "")


@lru_cache(maxsize=1_000)
def is_library(file: str) -> bool:
    """Whether a file of source is of Python or of an installed package, and not the application's.

    Args:
        file: As tracebacks name it.
    """
    return file.startswith(_libraries())


def _places(frames: Iterator[FrameType]) -> Iterator[str]:
    return (f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}" for frame in frames)


@lru_cache(maxsize=1)
def _libraries() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return ("<frozen", *{sysconfig.get_path(name) for name in names})


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever a foreign __str__ raises
        return ""
