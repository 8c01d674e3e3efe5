"""For how long something that we need is away, and when who was refused shall ask again."""

import math
import time
from collections.abc import Callable

SHORTEST, LONGEST = 1, 30
"""Seconds, the bounds of what is answered."""
_FORGOTTEN_AFTER = 60.0  # seconds without a failure: what fails then is another outage


class Outages:
    """Remembers since when requests fail for the same cause.

    Who waits as long as it has been failing asks twice as late each time, so a server that comes
    back is not met by everybody at once.

    Args:
        clock: Seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: dict[str, tuple[float, float]] = {}

    def ask_again_after(self, cause: str) -> int:
        """Note a failure, and say in how many seconds to ask again, 1 to 30.

        Args:
            cause: What is away, one of a few names.
        """
        now = self._clock()
        since, last = self._failing.get(cause, (now, now))
        since = now if now - last > _FORGOTTEN_AFTER else since
        self._failing[cause] = since, now
        return whole_seconds(now - since)


def whole_seconds(seconds: float, *, longest: int = LONGEST) -> int:
    """What the header `Retry-After` is given: whole seconds, from 1.

    Args:
        seconds: After which it is worth asking.
        longest: A wait after which it is worth asking in any case.
    """
    return min(longest, max(SHORTEST, math.ceil(seconds)))
