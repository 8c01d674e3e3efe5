"""Whether there is a message type of a name, so that a slip of the pen is told as one."""

from difflib import get_close_matches

import redis

from messages import message_types
from monitoring.errors import TypeNotFound
from monitoring.queues.handlers_known import get_handlers


def check_type(name: str, *, field: str = "name", connection: redis.Redis) -> None:
    """Refuse the name of a message type that nobody knows.

    Args:
        name: Such as `EMAIL`.
        field: Where it was given, as the error shall tell.
        connection: Where workers tell which types they handle.

    Raises:
        TypeNotFound: If neither this process nor a worker knows it.
        StorageUnavailable: If Redis does not answer.
    """
    known = {*message_types(), *get_handlers(connection=connection)}
    if name in known:
        return
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    raise TypeNotFound(
        f"There is no message type {name!r}.",
        field=field,
        remedy=f"Did you mean {' or '.join(near)}?" if near else "",
    )
