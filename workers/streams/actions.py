"""What a person does to a stream: give away entries of the dead, remove consumers, trim.

Each leaves one audit entry. What is given away is claimed by a living worker at once.
"""

from collections.abc import Sequence
from typing import Any

import redis
from pydantic import JsonValue
from redis.exceptions import ResponseError

from workers import keys, stream_keys
from workers.audit import By
from workers.connection import default_connection, storage_errors
from workers.errors import InvalidOption, InvalidState, StreamNotFound
from workers.options import Duration, seconds
from workers.scripts import script
from workers.streams.hands import NOBODY
from workers.streams.trimming import KEPT_DONE
from workers.streams.trimming import trim as trim_done

_AT_ONCE = 500  # entries in one call: a few ms for the server


def claim(  # noqa: PLR0913 - what a person may say
    stream: str,
    *,
    group: str,
    consumer: str | None = None,
    idle: Duration | None = None,
    by: By,
    connection: redis.Redis | None = None,
) -> int:
    """Let living workers have the entries of consumers that show no sign of life.

    Workers do this by themselves for consumers of ours. For those of others, which give no sign of
    life at all, only a person can know that they are dead.

    Args:
        stream: The stream's key.
        group: The group.
        consumer: Whose entries; None means all consumers that are not known to live.
        idle: Only entries that were not delivered for so long; needed where no consumer is named.
        by: Who does it, and why.
        connection: Where; None means the server that the settings name.

    Returns:
        How many entries were given away.

    Raises:
        StreamNotFound: If there is no such stream, group or consumer.
        InvalidState: If the consumer that is named is alive.
        InvalidOption: If neither a consumer nor a time is given.
    """
    if consumer is None and idle is None:
        raise InvalidOption(
            "Neither a consumer nor an idle time is given.",
            field="idle",
            remedy="Name a consumer that is dead, or say how long entries were not touched.",
        )
    details: dict[str, JsonValue] = {"group": group, "consumer": consumer}
    by.entry("stream.claim", target=stream, details=details)  # checked before anything is done
    connection = connection or default_connection()
    with storage_errors():
        names = _consumers(stream, group, connection) if consumer is None else [consumer]
        count = 0
        for name in names:
            moved = _give_away(stream, group, name, idle or 0, connection)
            if moved < 0 and consumer is not None:
                raise _refused(stream, group, name, moved)
            count += max(moved, 0)
        _note(by, "stream.claim", stream, {**details, "entries": count}, connection)
    return count


def delete_consumer(
    stream: str, consumer: str, *, group: str, by: By, connection: redis.Redis | None = None
) -> int:
    """Remove a consumer; its entries are given away first, so none is lost.

    Args:
        stream: The stream's key.
        consumer: The consumer.
        group: Its group.
        by: Who does it, and why.
        connection: Where; None means the server that the settings name.

    Returns:
        How many entries it had.

    Raises:
        StreamNotFound: If there is no such stream, group or consumer.
        InvalidState: If the consumer is alive.
    """
    details: dict[str, JsonValue] = {"group": group, "consumer": consumer}
    by.entry("stream.delete_consumer", target=stream, details=details)
    connection = connection or default_connection()
    with storage_errors():
        count = _give_away(stream, group, consumer, 0, connection)
        if count < 0:
            raise _refused(stream, group, consumer, count)
        left: Any = connection.xpending_range(stream, group, "-", "+", 1, consumer)
        if left:  # it has read meanwhile, so it lives
            raise _refused(stream, group, consumer, _ALIVE)
        connection.xgroup_delconsumer(stream, group, consumer)
        connection.srem(stream_keys.consumes(group, consumer), stream)
        _note(by, "stream.delete_consumer", stream, {**details, "entries": count}, connection)
    return count


def trim(
    stream: str, *, keep: int = KEPT_DONE, by: By, connection: redis.Redis | None = None
) -> int:
    """Remove what every group has finished, and nothing else.

    Args:
        stream: The stream's key.
        keep: Of the newest entries, how many stay in any case; from 1.
        by: Who does it, and why.
        connection: Where; None means the server that the settings name.

    Returns:
        How many entries went.

    Raises:
        StreamNotFound: If there is no such stream.
        InvalidOption: If fewer than one are to stay.
    """
    if keep < 1:
        raise InvalidOption(f"keep is {keep}.", field="keep", remedy="Use 1 or more.")
    by.entry("stream.trim", target=stream)
    connection = connection or default_connection()
    with storage_errors():
        if connection.type(stream) != b"stream":
            raise StreamNotFound(f"There is no stream {stream}.")
        gone = trim_done(stream, keep=keep, connection=connection)
        _note(by, "stream.trim", stream, {"entries": gone}, connection)
    return gone


_ALIVE, _UNKNOWN = -1, -2  # answers of the script


def _note(
    by: By, action: str, stream: str, details: dict[str, JsonValue], connection: redis.Redis
) -> None:
    by.record(action, target=stream, details=details, connection=connection)


def _give_away(
    stream: str, group: str, consumer: str, idle: Duration, connection: redis.Redis
) -> int:
    milliseconds = round(seconds(idle, field="idle", least=0) * 1000)
    call = connection.register_script(script("workers.streams", "give_away"))
    who = (keys.our_prefix(), group, stream, consumer, NOBODY)
    count = 0
    try:
        while (moved := int(call(args=[*who, milliseconds, _AT_ONCE, 0]))) > 0:
            count += moved
    except ResponseError as error:
        raise StreamNotFound(f"There is no stream {stream} with a group {group}.") from error
    return moved if moved < 0 else count


def _consumers(stream: str, group: str, connection: redis.Redis) -> Sequence[str]:
    try:
        found: Any = connection.xinfo_consumers(stream, group)
    except ResponseError as error:
        raise StreamNotFound(f"There is no stream {stream} with a group {group}.") from error
    names = (each["name"].decode(errors="replace") for each in found)
    return [name for name in names if name != NOBODY]


def _refused(stream: str, group: str, consumer: str, answer: int) -> InvalidState | StreamNotFound:
    if answer == _ALIVE:
        return InvalidState(
            f"The consumer {consumer} is alive, and works on what it has.",
            remedy="Let it end, for example by SIGTERM; it hands back what it has not begun.",
        )
    return StreamNotFound(f"The group {group} of {stream} has no consumer {consumer}.")
