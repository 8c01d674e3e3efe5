"""Remove ended jobs with their records, some hundred at once."""

from collections.abc import Sequence
from typing import Any

import redis

from workers import keys
from workers.scripts import script


def discard(registry: str, ids: Sequence[bytes], *, connection: redis.Redis) -> int:
    """Remove ended jobs of a registry with their records.

    Args:
        registry: The key of its sorted set.
        ids: The jobs; 500 at most, to keep the step short.
        connection: Where.

    Returns:
        How many were removed; a job that runs again since is not.
    """
    others = (keys.result, keys.attempts, keys.progress, keys.job_log)
    prefixes = [keys.job_prefix(), *(of("") for of in others)]
    removed: Any = connection.register_script(script("workers", "discard"))(
        keys=[registry], args=[*prefixes, *ids]
    )
    return int(removed)
