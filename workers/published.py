"""What workers tell of the application they run: which function handles which message type."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import redis

from workers import keys
from workers.registry import handlers
from workers.release import release_name
from workers.scripts import script

_RELEASES = 200  # of which it is known when they were first seen
KEPT = 24 * 60 * 60
"""Seconds that it is known after the last worker told it."""


@dataclass(frozen=True)
class PublishedHandler:
    """The handler of a message type, as a worker told it last.

    Args:
        message_type: The wire name.
        module: Where the function is.
        function: Its name.
        version: The schema version that it reads.
        max_attempts: How often a message is tried, unless its sender says otherwise.
        code_version: The release of the worker.
    """

    message_type: str
    module: str
    function: str
    version: int
    max_attempts: int
    code_version: str


def publish(code_version: str, *, connection: redis.Redis) -> None:
    """Tell which handlers this process has, and which release it is.

    Args:
        code_version: The release.
        connection: Where.
    """
    told = {
        handler.message.model_fields["message_type"].default: PublishedHandler(
            message_type=handler.message.model_fields["message_type"].default,
            module=handler.function.__module__,
            function=handler.function.__qualname__,
            version=handler.message.version,
            max_attempts=handler.retry.max_attempts,
            code_version=code_version,
        )
        for handler in handlers()
    }
    if told:
        texts = {kind: json.dumps(asdict(each)) for kind, each in told.items()}
        with connection.pipeline(transaction=True) as pipe:
            pipe.hset(keys.handlers(), mapping=dict(texts))
            pipe.expire(keys.handlers(), KEPT)
            pipe.execute()
    connection.register_script(script("workers", "note_release"))(
        keys=[keys.releases()], args=[release_name(code_version), _RELEASES]
    )


def published(*, connection: redis.Redis) -> Sequence[PublishedHandler]:
    """The handlers that workers told of, by message type.

    Args:
        connection: Where.
    """
    stored: Any = connection.hgetall(keys.handlers())
    found: Mapping[bytes, bytes] = stored
    return [PublishedHandler(**json.loads(text)) for _, text in sorted(found.items())]
