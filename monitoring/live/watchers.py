"""One client of a stream: what waits for it, how far it has read, and when it has to go."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from monitoring.live import sse
from monitoring.live.looks import Subject

MOST_WAITING = 8
"""Events that wait for a client at most; one that reads so slowly is dropped."""
_TO_LEAVE = 1.0  # seconds in which a client may read its last bytes


class Watcher:
    """A client. Everything here is called in the event loop.

    Args:
        subject: What it watches.
        seconds: How long it may.
        farewell: What it is told when that is over; may be empty.
    """

    def __init__(self, subject: Subject, *, seconds: float, farewell: bytes = b"") -> None:
        self.subject = subject
        self.needs_whole = True
        self.last_line: int | None = None
        """Of a log: the number of the last line that was sent; None for a new client."""
        self.given_up = asyncio.Event()
        """Set when there is nothing more to wait for, whether or not it has read all."""
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + seconds
        self._farewell = farewell
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._is_over = False
        self._leaving = self._loop.call_at(self._until + _TO_LEAVE, self.given_up.set)

    @property
    def left(self) -> float:
        """Seconds until its time is over, if it does not go before."""
        return max(0.0, self._until - self._loop.time())

    def offer(self, frame: bytes) -> bool:
        """Put something into its queue.

        Args:
            frame: Bytes of the stream; empty ones are passed over.

        Returns:
            False if the queue was full: the client reads too slowly, and is given up.
        """
        if not frame:
            return True
        if len(self._waiting) >= MOST_WAITING:
            self.given_up.set()
            return False
        self._waiting.append(frame)
        self._news.set()
        return True

    def end(self) -> None:
        """Let it read what waits, for a second at most, and then go."""
        self._is_over = True
        self._news.set()
        self._leaving.cancel()
        self._leaving = self._loop.call_later(_TO_LEAVE, self.given_up.set)

    def close(self) -> None:
        """Forget it."""
        self._leaving.cancel()

    async def frames(self, heartbeat: float) -> AsyncIterator[bytes]:
        """What to send, as soon as there is something, until its time is over.

        Args:
            heartbeat: Seconds after which a comment is sent instead.
        """
        yield sse.OPENING
        while not self._is_over:
            left = self._until - self._loop.time()
            if left <= 0:
                yield self._farewell
                return
            yield await self._next(min(heartbeat, left))
        yield self._taken()

    async def _next(self, seconds: float) -> bytes:
        # Not wait_for: up to Python 3.11 it forgets that it was cancelled if news came meanwhile.
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return sse.HEARTBEAT
        return self._taken()

    def _taken(self) -> bytes:
        self._news.clear()
        frames = b"".join(self._waiting)
        self._waiting.clear()
        return frames
