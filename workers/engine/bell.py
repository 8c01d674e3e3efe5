"""Wakes an idle child: Redis itself says when a list that was read as empty is pushed to.

Producers need to ring nothing: a plain RPUSH wakes it. Nothing is popped here, so a wake-up that
comes twice costs a look, never a job. What to lease is the caller's matter.
"""

import os
import time
from collections.abc import Iterable, Sequence

import redis
from redis.exceptions import RedisError, ResponseError

from workers.engine.tracking_line import Change, TrackingLine
from workers.logger import get_logger

log = get_logger("postroom.bell")

_REST_SECONDS = 0.25  # after an error
_CHANGES_APART_SECONDS = 0.25  # one key that is written all the time must not keep a child busy
_POLLING_SECONDS = 60.0  # then the server is asked again whether it tracks
_SHORTEST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
_PAUSES_IN_IDLE_TIME = 10  # the pause is this part of the time without work

_REMEDY = (
    "Let the worker's user run HELLO and CLIENT TRACKING (`ACL SETUSER name +hello "
    "+client|tracking`), and use Redis 6 or newer without a proxy that speaks only RESP2."
)


class Bell:
    """Waits for work on behalf of one thread; a forked child may go on with its parent's.

    Args:
        client: Says where the server is and how to log in; the bell makes a connection of its own.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._pid = os.getpid()
        self._line: TrackingLine | None = None
        self._polling = _Polling(client)
        self._watched: frozenset[bytes] = frozenset()  # unchanged since the server was asked
        self._changed = False
        self._prompt: frozenset[bytes] = frozenset()
        self._is_urgent = False
        self._told_at = float("-inf")

    def wait(
        self,
        lists: Sequence[str] = (),
        also: Sequence[str] = (),
        prompt: Sequence[str] = (),
        *,
        seconds: float,
    ) -> bool:
        """Wait until there may be work. Call it after a lease that came back empty.

        Args:
            lists: Keys of the lists that jobs are taken from; one that exists is work. Leave out
                those of a paused queue.
            also: Keys that count when they change, whatever they hold, such as the pauses. Each
                new name, and each change, makes the caller look again: at most four times a second.
            prompt: As `also`, but without that limit.
            seconds: How long at most, from 0; up to 5 s longer if the server hangs.

        Returns:
            True if the caller should look: a list exists, a key changed, or that cannot be known
            because the server was away. False if nothing happened.
        """
        deadline = time.monotonic() + seconds
        if os.getpid() != self._pid:
            self.close()  # only the parent may speak on its socket
            self._pid = os.getpid()
        try:
            self._prompt = _names(prompt)
            return self._wait(lists, (*also, *prompt), deadline)
        except (RedisError, OSError):
            self._rest(deadline)
            return True
        except BaseException:  # a signal's handler raised: an answer may still be under way
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back; the next wait makes a new one."""
        line, self._line = self._line, None
        self._watched = frozenset()
        if line is not None:
            line.close()

    def _wait(self, lists: Sequence[str], also: Sequence[str], deadline: float) -> bool:
        if self._line is None and not self._polling.is_on():
            self._line = self._polling.opened()
        if self._line is None:
            # EXISTS does not show a change, so where changes count the caller has to look.
            return self._polling.wait(lists, deadline) or bool(also)
        if self._ask(self._line, lists, also):
            return True
        return self._listen(self._line, _names(lists), deadline)

    def _ask(self, line: TrackingLine, lists: Sequence[str], also: Sequence[str]) -> bool:
        """Register for all keys; what is heard before an answer happened before the question."""
        wanted = _names(also)
        self._watched &= wanted
        unwatched = wanted - self._watched
        ask_also = [key for key in also if key.encode() in unwatched]
        if not ask_also and not lists:
            ask_also = [*also[:1]]  # the question also shows whether the server is there
        # The lists last: no push to one of them can come before an answer that is still awaited.
        line.ask([keys for keys in (ask_also, lists) if keys])
        if ask_also:
            self._answer(line)
            self._watched |= _names(ask_also)
        waiting = self._answer(line) if lists else 0
        # Changed between the caller's look and this question: nobody would have told.
        self._changed |= bool(unwatched)
        self._is_urgent |= bool(unwatched & self._prompt)
        return waiting > 0

    def _answer(self, line: TrackingLine) -> int:
        while not isinstance(heard := line.hear(), int):
            self._note(heard)
        return heard

    def _listen(self, line: TrackingLine, lists: frozenset[bytes], deadline: float) -> bool:
        while not self._is_urgent and line.speaks_before(self._until(deadline)):
            heard = line.hear()
            if isinstance(heard, Change):
                self._note(heard)
                if heard.among(lists):
                    return True
        if not self._changed:
            return False
        self._changed, self._is_urgent, self._told_at = False, False, time.monotonic()
        return True

    def _until(self, deadline: float) -> float:
        return min(deadline, self._told_at + _CHANGES_APART_SECONDS) if self._changed else deadline

    def _note(self, change: Change) -> None:
        gone = change.among(self._watched)
        self._watched -= gone
        self._changed |= bool(gone)
        self._is_urgent |= bool(gone & self._prompt)

    def _rest(self, deadline: float) -> None:
        """Wait after an error, unless the connection had served a while: that was a mere cut."""
        line = self._line
        self.close()
        if line is None or line.age() < _REST_SECONDS:
            time.sleep(max(0.0, min(deadline - time.monotonic(), _REST_SECONDS)))


def _names(keys: Iterable[str]) -> frozenset[bytes]:
    return frozenset(key.encode() for key in keys)


class _Polling:
    """What is left where the server does not track for us: to ask, more and more rarely."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._cause = ""
        self._warned = False
        self._on_until = float("-inf")
        self._idle_since = self._left_at = float("-inf")

    def is_on(self) -> bool:
        return time.monotonic() < self._on_until

    def opened(self) -> TrackingLine | None:
        """A line, or None if from now on there is polling instead."""
        try:
            return TrackingLine(self._client)
        except ResponseError as error:
            self._cause = str(error)
            self._on_until = time.monotonic() + _POLLING_SECONDS
            return None

    def wait(self, lists: Sequence[str], deadline: float) -> bool:
        self._arrive()
        while not self._finds(lists):
            now = time.monotonic()
            pause = self._pause(now)
            time.sleep(max(0.0, min(pause, deadline - now)))
            if now + pause >= deadline:
                self._left_at = time.monotonic()
                return False
        self._left_at = float("-inf")
        return True

    def _arrive(self) -> None:
        """A caller that stayed away longer than a pause had work."""
        now = time.monotonic()
        if now - self._left_at > _LONGEST_PAUSE_SECONDS:
            self._idle_since = now

    def _pause(self, now: float) -> float:
        part = (now - self._idle_since) / _PAUSES_IN_IDLE_TIME
        return min(max(part, _SHORTEST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)

    def _finds(self, lists: Sequence[str]) -> bool:
        try:
            found = bool(lists) and bool(self._client.exists(*lists))
        except BaseException:
            self._on_until = float("-inf")  # not polling helps: the server is away
            raise
        self._warn()
        return found

    def _warn(self) -> None:
        """Say it once, and only when the client can do what the line could not."""
        if not self._warned:
            self._warned = True
            log.warning("wake_up_by_polling", cause=self._cause, remedy=_REMEDY)
