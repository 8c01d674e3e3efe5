"""Values that many ask for at the same time: made once, and remembered for a moment."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from messages import PostroomError

T = TypeVar("T")

RENEWING = "postroom-renewing"
"""The name of the threads that make new values while old ones still do."""


@dataclass
class _Slot(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: T | None = None
    at: float = float("-inf")


class Kept(Generic[T]):
    """Remembers values by their keys.

    Args:
        seconds: For how long a value is good.
        stale: For how long after that it will still do, while a new one is made beside it.
        most: How many are remembered; the one that was asked for longest ago is forgotten first.
    """

    def __init__(self, seconds: float, *, stale: float = 0.0, most: int = 64) -> None:
        self._seconds = seconds
        self._stale = stale
        self._most = most
        self._slots: OrderedDict[Hashable, _Slot[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T], *, fresh: bool = False) -> T:
        """A value; while one makes it, all others who want it wait for that one.

        Args:
            key: Which.
            make: Makes it; what it raises is not remembered.
            fresh: Whether what was made before this call does not count.
        """
        asked = time.monotonic()
        slot = self._slot(key)
        if not fresh and slot.value is not None and asked - slot.at < self._seconds + self._stale:
            if asked - slot.at >= self._seconds:
                self._renew(slot, make)
            return slot.value
        with slot.lock:
            if slot.value is None or slot.at < (asked if fresh else asked - self._seconds):
                _fill(slot, make)
            assert slot.value is not None  # noqa: S101 - for mypy
            return slot.value

    def forget(self) -> None:
        """Let nothing that was made before this call do any more."""
        with self._lock:
            self._slots.clear()

    def _renew(self, slot: _Slot[T], make: Callable[[], T]) -> None:
        if slot.lock.acquire(blocking=False):
            threading.Thread(target=_renewed, args=(slot, make), name=RENEWING, daemon=True).start()

    def _slot(self, key: Hashable) -> _Slot[T]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
            return slot


def _fill(slot: _Slot[T], make: Callable[[], T]) -> None:
    began = time.monotonic()
    slot.value = make()
    slot.at = began


def _renewed(slot: _Slot[T], make: Callable[[], T]) -> None:
    # What goes wrong here is told to the next who asks after the old value is past use.
    try:
        with suppress(PostroomError):
            _fill(slot, make)
    finally:
        slot.lock.release()
