"""Logging in and out with a browser, and how often one may try."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from monitoring.errors import AskAgain
from monitoring.web.identity import NotAuthenticated
from workers import watch_keys

MOST_FAILURES = 10
"""Failed logins of one address within a minute; then it has to wait."""
WINDOW = 60
"""Seconds for which a failed login counts."""
_MOST_ADDRESSES = 1_000  # remembered here while Redis is away


class TooManyLogins(AskAgain):
    """Somebody tries one login after the other."""

    code = "too_many_logins"
    remedy_text = "Wait a minute, then log in again."


class Attempts:
    """Counts the failed logins of each address, for all web processes together.

    While Redis is away each process counts for itself.

    Args:
        connection: Where.
    """

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection
        self._here: dict[str, list[float]] = {}

    @contextmanager
    def of(self, address: str) -> Iterator[None]:
        """Let an address try to log in; a `NotAuthenticated` of the block counts.

        Args:
            address: The network address of the one who tries.

        Raises:
            TooManyLogins: If it failed too often.
        """
        if self._failures(address) >= MOST_FAILURES:
            raise TooManyLogins(
                f"{address} failed to log in {MOST_FAILURES} times in a minute.",
                after=self._blocked_for(address),
            )
        try:
            yield
        except NotAuthenticated:
            self._note(address)
            raise

    def _failures(self, address: str) -> int:
        try:
            return int(self._connection.get(watch_keys.watch_logins(address)) or 0)
        except redis.RedisError:
            return len(self._recent(address))

    def _blocked_for(self, address: str) -> float:
        """Seconds until the failures that count are fewer."""
        try:
            left: int = self._connection.pttl(watch_keys.watch_logins(address))
        except redis.RedisError:
            recent = self._recent(address)
            oldest = recent[-MOST_FAILURES] if len(recent) >= MOST_FAILURES else time.monotonic()
            return oldest + WINDOW - time.monotonic()
        return left / 1000

    def _note(self, address: str) -> None:
        self._recent(address).append(time.monotonic())
        key = watch_keys.watch_logins(address)
        try:
            with self._connection.pipeline(transaction=True) as pipe:
                pipe.set(key, 0, ex=WINDOW, nx=True)
                pipe.incr(key)
                pipe.execute()
        except redis.RedisError:
            return

    def _recent(self, address: str) -> list[float]:
        if len(self._here) > _MOST_ADDRESSES:
            self._here.clear()
        since = time.monotonic() - WINDOW
        found = [each for each in self._here.get(address, ()) if each > since]
        self._here[address] = found
        return found
