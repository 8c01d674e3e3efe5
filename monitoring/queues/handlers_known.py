"""Which handler each message type has, as the workers tell it. Only reads."""

import json
from typing import Any

import redis

from monitoring.answers import as_text
from workers import keys
from workers.connection import storage_errors


def get_handlers(*, connection: redis.Redis) -> dict[str, Any]:
    """The handlers that living workers have.

    Args:
        connection: Where.

    Returns:
        Message type -> what its worker told; damaged entries are left out.
    """
    with storage_errors():
        stored: Any = connection.hgetall(keys.handlers())
    found = {}
    for name, text in stored.items():
        try:
            found[as_text(name)] = json.loads(text)
        except ValueError:
            continue
    return found
