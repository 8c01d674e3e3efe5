"""What is read of every list of every queue: thousands of commands for some hundred queues."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import redis

from monitoring.answers import as_text, as_time
from monitoring.packing import answered, command, hash_fields, with_key
from workers import keys

PLACES = ("waiting", "taken", "started", "scheduled", "deferred", "finished", "failed", "canceled")
"""Where jobs of a list stand, in the order in which they are asked for."""

_IN_FRONT = 5  # jobs looked at for the oldest: one that is tried again at once goes to the front
_REMEMBERED = 5_000  # lists whose questions are kept packed, some hundred bytes each


def count_with(
    pipe: Any, lists: Sequence[str], *, connection: redis.Redis
) -> tuple[Mapping[str, Mapping[str, int]], Iterator[Any]]:
    """Execute a pipeline, and count in the same round trip what stands where.

    Args:
        pipe: Without transaction; only reads, because it may be sent twice.
        lists: The names of Redis lists.
        connection: Where.

    Returns:
        By list and `PLACES`; and what was answered to the pipeline.
    """
    asked = pipe.command_stack
    commands = [command(*words[0].split(), *words[1:]) for words, _ in asked]
    commands += [_counts_of(name) for name in lists]
    answers = iter(answered(connection, commands, count=len(asked) + len(lists) * len(PLACES)))
    told = [_understood(pipe, words, options, next(answers)) for words, options in asked]
    return {name: dict(zip(PLACES, answers, strict=False)) for name in lists}, iter(told)


def oldest_waiting(
    lists: Sequence[str], *, time: datetime, connection: redis.Redis
) -> Mapping[str, float]:
    """How long the oldest job of each list has waited, in two round trips.

    Args:
        lists: The names of Redis lists.
        time: The server's.
        connection: Where.

    Returns:
        Seconds since it was put there, from 0, for each list that has jobs. Approximate: only the
        first five of each list are looked at.
    """
    asked = [_front_of(name) for name in lists]
    found = answered(connection, asked)
    in_front = [[as_text(job_id) for job_id in ids] for ids in found]
    every = [job_id for ids in in_front for job_id in ids]
    asked = hash_fields(keys.job(""), every, ["enqueued_at"])
    told = iter(answered(connection, asked))
    ages: dict[str, float] = {}
    for name, ids in zip(lists, in_front, strict=True):
        times = [moment for (value,) in islice(told, len(ids)) if (moment := as_time(value))]
        if times:
            ages[name] = max(0.0, (time - min(times)).total_seconds())
    return ages


def _understood(pipe: Any, words: Sequence[Any], options: Mapping[str, Any], answer: Any) -> Any:
    """What the client's own pipeline would have made of it."""
    callback = pipe.response_callbacks.get(words[0])
    if callback is None:
        return answer
    return callback(answer, **{name: each for name, each in options.items() if name != "keys"})


@lru_cache(_REMEMBERED)
def _counts_of(name: str) -> bytes:
    # In the order of `PLACES`.
    return b"".join(
        [
            with_key("LLEN", keys.queue(name)),
            with_key("LLEN", keys.intermediate(name)),
            with_key("ZCARD", keys.started(name)),
            with_key("ZCARD", keys.scheduled(name)),
            with_key("ZCARD", keys.deferred(name)),
            with_key("ZCARD", keys.finished(name)),
            with_key("ZCARD", keys.failed(name)),
            with_key("ZCARD", keys.canceled(name)),
        ]
    )


@lru_cache(_REMEMBERED)
def _front_of(name: str) -> bytes:
    return command("LRANGE", keys.queue(name), 0, _IN_FRONT - 1)
