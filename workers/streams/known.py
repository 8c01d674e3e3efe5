"""Which streams there are: publishing makes them known, and a slow search finds those of others."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import redis

from workers import stream_keys
from workers.streams.naming import Naming, StreamName, matches


def known_streams(patterns: Sequence[str], *, connection: redis.Redis) -> frozenset[str]:
    """The streams that are known and fit.

    Args:
        patterns: Names in which `*` stands for any text.
        connection: Where.

    Returns:
        Their keys.
    """
    stored: Any = connection.smembers(stream_keys.streams())
    found = (key.decode(errors="replace") for key in stored)
    return frozenset(key for key in found if matches(key, patterns))


def streams_of(tenant: str, *, connection: redis.Redis) -> Sequence[str]:
    """The streams of a tenant that are known.

    Args:
        tenant: Whose.
        connection: Where.

    Returns:
        Their keys, sorted.
    """
    stored: Any = connection.smembers(stream_keys.streams(tenant))
    return sorted(key.decode(errors="replace") for key in stored)


def make_known(names: Iterable[StreamName], *, connection: redis.Redis) -> None:
    """Remember streams that somebody else made.

    Args:
        names: What their keys say.
        connection: Where.
    """
    with connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.sadd(stream_keys.streams(), name.key)
            if name.tenant:
                pipe.sadd(stream_keys.streams(name.tenant), name.key)
        pipe.execute()


def forget(name: StreamName, *, connection: redis.Redis) -> None:
    """Forget a stream that is gone.

    Args:
        name: What its key said.
        connection: Where.
    """
    with connection.pipeline(transaction=False) as pipe:
        pipe.srem(stream_keys.streams(), name.key)
        if name.tenant:
            pipe.srem(stream_keys.streams(name.tenant), name.key)
        pipe.execute()


class Search:
    """Looks through all keys for streams, a part at a time, so that Redis hardly notices.

    Args:
        patterns: Names in which `*` stands for any text.
        naming: What keys say.
        connection: Where.
    """

    def __init__(self, patterns: Sequence[str], naming: Naming, connection: redis.Redis) -> None:
        self._patterns = patterns
        self._naming = naming
        self._connection = connection
        self._cursor = 0

    def go_on(self) -> bool:
        """Look at the next part, and make known what is found.

        Returns:
            Whether there is more to look at.
        """
        answer: Any = self._connection.scan(self._cursor, count=_PART, _type="stream")
        self._cursor, found = answer
        fitting = [
            key for each in found if matches(key := each.decode(errors="replace"), self._patterns)
        ]
        if fitting:
            make_known(map(self._naming.read, fitting), connection=self._connection)
        return bool(self._cursor)


def search(patterns: Sequence[str], naming: Naming, *, connection: redis.Redis) -> None:
    """Look through all keys at once; for people who ask, and where there are few keys.

    Args:
        patterns: Names in which `*` stands for any text.
        naming: What keys say.
        connection: Where.
    """
    looking = Search(patterns, naming, connection)
    while looking.go_on():
        pass


def with_groups(streams: Collection[str], group: str, *, connection: redis.Redis) -> frozenset[str]:
    """Make a group where it is missing, from the first entry on.

    Args:
        streams: Keys.
        group: The group.
        connection: Where.

    Returns:
        Those that are streams, and have the group now.
    """
    names = list(streams)
    with connection.pipeline(transaction=False) as pipe:
        for key in names:
            pipe.type(key)
        there = [key for key, kind in zip(names, pipe.execute(), strict=True) if kind == b"stream"]
    with connection.pipeline(transaction=False) as pipe:
        for key in there:
            pipe.xgroup_create(key, group, id="0")
        answers = pipe.execute(raise_on_error=False)
    return frozenset(key for key, answer in zip(there, answers, strict=True) if _has_group(answer))


_PART = 1_000  # keys: about 1 ms for the server


def _has_group(answer: object) -> bool:
    return not isinstance(answer, Exception) or str(answer).startswith("BUSYGROUP")
