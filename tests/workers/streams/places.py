"""Names of streams that no other test process uses, and what stands in streams."""

import os
from collections.abc import Sequence

from redis import Redis

_PREFIX = os.environ.get("RQ_KEY_PREFIX")


def own(name: str) -> str:
    """A name that is emptied with the rest of the test's keys."""
    return name if _PREFIX is None else f"{_PREFIX}:{name}"


TEMPLATE = own("jobs:guild:{guild_id}:{job_type}")


def ids_in(redis: Redis, stream: str) -> Sequence[str]:
    """The `job_id` of each entry, oldest first."""
    return [fields[b"job_id"].decode() for _, fields in redis.xrange(stream)]


def entry_ids(redis: Redis, stream: str) -> Sequence[str]:
    return [entry.decode() for entry, _ in redis.xrange(stream)]
