"""What is read of the server itself. Only reads."""

from typing import Any

import redis

from monitoring.alerts.metrics import Facts, Reading
from monitoring.words import size


def server_facts(connection: redis.Redis) -> Facts:
    """How full Redis is, in one round trip.

    Args:
        connection: The server.
    """
    info: Any = connection.info("memory")
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not limit:
        return {"redis_memory": []}
    share = 100 * used / limit
    said = f"Redis uses {size(used)} of {size(limit)}, {share:.0f} %."
    return {"redis_memory": [Reading("", share, said)]}
