"""Commands as Redis reads them, for those that are sent by the thousand.

A client library takes some microseconds for each command, six times what Redis takes for one.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import redis
from redis.exceptions import ResponseError

from workers.wire import Stored, exchange, packed


def answered(
    connection: redis.Redis, commands: Sequence[bytes], *, count: int | None = None
) -> Sequence[Any]:
    """Send commands that only read, in one round trip; none if there are none.

    Args:
        connection: Where.
        commands: Packed.
        count: How many there are, if one of these is several.

    Raises:
        redis.exceptions.ResponseError: The first error that Redis answered.
    """
    number = len(commands) if count is None else count
    answers = exchange(connection, b"".join(commands), number) if number else ()
    for answer in answers:
        if isinstance(answer, ResponseError):
            raise answer
    return answers


def command(*parts: Stored) -> bytes:
    """A command as Redis reads it.

    Args:
        parts: Its name and its arguments.
    """
    return b"*%d\r\n%b" % (len(parts), packed(parts))


def with_key(name: str, key: str) -> bytes:
    """A command that takes nothing but a key. Packed by hand: there are thousands in a plan.

    Args:
        name: Of the command.
        key: The key.
    """
    return f"*2\r\n${len(name)}\r\n{name}\r\n${len(key.encode())}\r\n{key}\r\n".encode()


def hash_fields(prefix: str, ids: Iterable[str], fields: Sequence[str]) -> list[bytes]:
    """HMGET of many hashes. Packed by hand: there are thousands in a search.

    Args:
        prefix: What their keys begin with.
        ids: What they end with.
        fields: Which fields, the same of each.
    """
    head, tail = b"*%d\r\n%b" % (len(fields) + 2, packed(["HMGET"])), packed(fields)
    begin = prefix.encode()
    found = []
    for job_id in ids:
        key = begin + job_id.encode()
        found.append(b"%b$%d\r\n%b\r\n%b" % (head, len(key), key, tail))
    return found
