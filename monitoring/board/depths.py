"""How the backlogs of streams move: what this process saw of them in the last minutes.

Queues have a history in Redis that all share; streams are too many for it.
"""

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from monitoring.numbers.forecast import Depth, growth_per_minute

_EVERY = timedelta(seconds=5)  # the least time between two samples
_LEAST = timedelta(seconds=10)  # from the first to the last, or nobody can tell
_LONGEST = timedelta(minutes=3)
_MOST = 2_000  # streams; the one that was seen longest ago is forgotten first


class Depths:
    """Remembers how much there was in streams."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[Depth]] = OrderedDict()
        self._lock = threading.Lock()

    def growth(self, name: str, load: int, *, at: datetime) -> float | None:
        """By how many messages a minute a backlog changes; below 0 if it shrinks.

        Args:
            name: Of the stream.
            load: How many there are now.
            at: When that was seen.

        Returns:
            None until it was seen for 10 s.
        """
        with self._lock:
            seen = self._seen.setdefault(name, deque())
            self._seen.move_to_end(name)
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
            if not seen or at - seen[-1].at >= _EVERY:
                seen.append(Depth(at, load))
            while seen and at - seen[0].at > _LONGEST:
                seen.popleft()
            if not seen or at - seen[0].at < _LEAST:
                return None
            return growth_per_minute([*seen, Depth(at, load)])
