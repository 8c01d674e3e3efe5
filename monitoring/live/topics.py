"""What the clients of one subject are sent: whole states, differences, and the last ones again.

Pure but for what it remembers: the state that was published last, and a ring of events.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from monitoring.live import sse

JsonDict = dict[str, Any]

MANY_QUEUES = 20
"""Up to so many queues each event is whole: some kB."""
REMEMBERED = 64
"""Events: two minutes of looks, so that who was away for a moment misses none."""

_TIME, _QUEUES, _NAME = "timestamp", "queues", "queueName"


class Topic:
    """One subject that is published: all queues, or one.

    Args:
        epoch: Stands in front of each event's number. It is another one in each process, so that
            the id of one process is never taken for one of another.
        remembered: How many events can be sent again, from 1.
    """

    def __init__(self, epoch: str, *, remembered: int = REMEMBERED) -> None:
        self._epoch = epoch
        self.number = 0
        self._state: JsonDict | None = None
        self._whole = b""
        self._ring: deque[tuple[int, bytes]] = deque(maxlen=remembered)

    def publish(self, number: int, state: JsonDict) -> bool:
        """Take the newest state.

        Args:
            number: Of the look, higher than any before.
            state: JSON with a `timestamp`.

        Returns:
            Whether anything but the time has changed.
        """
        before, self._state, self.number = self._state, state, number
        self._whole = b""
        shown = state if before is None else difference(before, state)
        self._ring.append((number, sse.event(shown, number=self._id(number))))
        return before is None or _timeless(before) != _timeless(state)

    @property
    def newest(self) -> bytes:
        """The event that was published last, for those who have seen the one before."""
        return self._ring[-1][1] if self._ring else b""

    @property
    def whole(self) -> bytes:
        """The newest state as an event, made once for all who need it; empty before the first."""
        if not self._whole and self._state is not None:
            self._whole = sse.event(self._state, number=self._id(self.number))
        return self._whole

    def since(self, last_id: str) -> bytes | None:
        """What somebody has missed.

        Args:
            last_id: The id of the last event that came through.

        Returns:
            The events after it; None if that is not known any more, and only the whole will do.
        """
        known = next((at for at, (n, _) in enumerate(self._ring) if self._id(n) == last_id), None)
        if known is None:
            return None
        return b"".join(frame for _, frame in list(self._ring)[known + 1 :])

    def _id(self, number: int) -> str:
        return f"{self._epoch}-{number}"


def difference(before: Mapping[str, Any], now: JsonDict) -> JsonDict:
    """What is sent to who knows the state before: of many queues only those that changed.

    Args:
        before: What was sent.
        now: What there is.

    Returns:
        The state itself if it has few queues. Otherwise it has in `queues` only what is new or has
        changed, `partial` is true, and `removed` names the queues that are gone.
    """
    rows = now.get(_QUEUES, ())
    if len(rows) <= MANY_QUEUES:
        return now
    known = {row[_NAME]: row for row in before[_QUEUES]}
    names = {row[_NAME] for row in rows}
    changed = [row for row in rows if known.get(row[_NAME]) != row]
    removed = sorted(known.keys() - names)
    return {**now, _QUEUES: changed, "partial": True, "removed": removed}


def _timeless(state: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in state.items() if name != _TIME}
