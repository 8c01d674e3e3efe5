"""What the log says of an error that nobody foresaw: where it was raised, and nothing of the data.

The texts of such errors quote what they choked on, which may be a message's payload.
"""

import traceback
from collections.abc import Iterator

from workers.fingerprint import is_library
from workers.redaction import redacted, text_of

_LONGEST = 10_000  # characters, the last of them: the innermost call says most

_ABOUT_CODE = (AttributeError, ImportError, NameError, NotImplementedError, TypeError)
"""Errors whose texts name parts of the program and no values."""


def trail_of(error: BaseException) -> str:
    """The calls that led to an error, and to those that it came from, the first of them first.

    Args:
        error: What was raised.

    Returns:
        As Python shows it, but for calls among libraries on the way to the innermost one of ours,
        and for the texts of errors, which are told only where they are about the program. Secrets
        are masked, and of a long one the last 10,000 characters are told.
    """
    text = "".join(part for each in reversed(list(_chain(error))) for part in _told(each))
    return redacted(text)[-_LONGEST:]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def _told(error: BaseException) -> Iterator[str]:
    yield from _ours(traceback.extract_tb(error.__traceback__)).format()
    cls = type(error)
    text = f": {text_of(error)}" if isinstance(error, _ABOUT_CODE) else ""
    yield f"{cls.__module__}.{cls.__qualname__}{text}\n"


def _ours(calls: traceback.StackSummary) -> traceback.StackSummary:
    own = [place for place, call in enumerate(calls) if not is_library(call.filename)]
    innermost = own[-1] if own else 0
    kept = [call for place, call in enumerate(calls) if place >= innermost or place in own]
    return traceback.StackSummary.from_list(kept)
