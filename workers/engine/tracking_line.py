"""The connection of a bell: `CLIENT TRACKING` says when a key is no longer as it was read."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_LONGEST_ANSWER_SECONDS = 5.0  # rq gives its workers' connections a timeout of seven minutes

# How the pool's arguments for moving its own connections to another server begin.
_NOT_OURS = ("maint_", "maintenance_", "orig_", "oss_cluster_")


@dataclass(frozen=True)
class Change:
    """What the server pushed: keys that are no longer as they were read; None means all keys."""

    keys: frozenset[bytes] | None

    def among(self, keys: frozenset[bytes]) -> frozenset[bytes]:
        """Those of some keys that may be others by now."""
        return keys if self.keys is None else keys & self.keys


_NOTHING: Final = Change(frozenset())


class TrackingLine:
    """A connection on which the server says, once, that a key was changed after we read it.

    Args:
        client: Whose server it leads to, and with whose arguments.

    Raises:
        redis.ResponseError: If the server does not track keys for us.
        redis.RedisError: If it cannot be used.
    """

    def __init__(self, client: redis.Redis) -> None:
        pool = client.connection_pool
        # Any: redis-py types neither the class that a pool makes nor what it makes it with.
        self._connection: Any = pool.connection_class(**_options(pool.connection_kwargs))
        self._opened_at = time.monotonic()
        try:
            self._connection.connect()
            self._connection.send_command("CLIENT", "TRACKING", "ON")
            self._connection.read_response()
        except BaseException:
            self.close()
            raise
        # redis-py's own method calls a handler within `except Exception`, which would swallow
        # what a signal's handler raises at that moment.
        self._connection._parser.handle_push_response = _as_it_is  # noqa: SLF001 - no public way

    def ask(self, groups: Iterable[Sequence[str]]) -> None:
        """Send one EXISTS a group of keys, in one write."""
        packed = self._connection.pack_commands([("EXISTS", *keys) for keys in groups])
        self._connection.send_packed_command(packed)

    def speaks_before(self, deadline: float) -> bool:
        """Wait for the next answer or push; whether there is one before the deadline, in s."""
        within = max(0.0, deadline - time.monotonic())
        return bool(self._connection.can_read(timeout=within))

    def hear(self) -> int | Change:
        """The next answer or push, in the order the server sent them."""
        heard = self._connection.read_response(push_request=True)
        if isinstance(heard, int):
            return heard
        if not isinstance(heard, list) or heard[0] != b"invalidate":
            return _NOTHING
        return Change(None if heard[1] is None else frozenset(heard[1]))

    def age(self) -> float:
        """Seconds since it was opened."""
        return time.monotonic() - self._opened_at

    def close(self) -> None:
        """End the connection."""
        self._connection.disconnect()


def _as_it_is(push: object, **_: object) -> object:
    return push


def _options(given: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if not name.startswith(_NOT_OURS)}
    return kept | {
        "protocol": 3,
        "decode_responses": False,
        "health_check_interval": 0,  # each question shows whether the server answers
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": _bounded(given.get("socket_timeout")),
        "socket_connect_timeout": _bounded(given.get("socket_connect_timeout")),
    }


def _bounded(seconds: float | None) -> float:
    return min(seconds or _LONGEST_ANSWER_SECONDS, _LONGEST_ANSWER_SECONDS)
