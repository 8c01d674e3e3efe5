"""Several readers that share their round trips: what each asks first goes out together, and so on.

A reader is a generator that yields packed commands, is sent their answers, and returns its result.
"""

from collections.abc import Generator, Sequence
from random import Random
from typing import Any, TypeVar

import redis
from redis.exceptions import ResponseError

from monitoring.packing import command
from workers.wire import exchange

T = TypeVar("T")

Commands = list[bytes]
"""Packed, as `monitoring.packing` does."""
Reading = Generator[Commands, Sequence[Any], T]

_SAMPLES = 5  # entries of a collection that Redis looks at, to tell the memory of all


def size_of(key: str) -> bytes:
    """Ask how many bytes a key takes, its name included; a collection is told from 5 entries.

    Args:
        key: The key; one that there is not has none.
    """
    return command("MEMORY", "USAGE", key, "SAMPLES", str(_SAMPLES))


def spread(count: int, most: int) -> Sequence[int]:
    """Places from 0 to below a count, spread over all of it: all of them if they are few.

    One stands somewhere in each of as many equal parts, elsewhere in each, so that a pattern in
    what is measured, such as every tenth, is not met each time or never.

    Args:
        count: From 0.
        most: How many places, from 1.
    """
    if count <= most:
        return range(count)
    chance = Random(most)  # noqa: S311 - no secret, and the same each time
    return [int((each + chance.random()) * count / most) for each in range(most)]


def read_together(readings: Sequence[Reading[T]], connection: redis.Redis) -> Sequence[T]:
    """Let readers read, in as many round trips as the longest of them needs.

    Args:
        readings: Not begun.
        connection: Where.

    Raises:
        redis.exceptions.ResponseError: What Redis refused; a key that is something else than it
            should be counts as one that is not there.
    """
    done: dict[int, T] = {}
    asked: dict[int, Commands] = {}
    answers: dict[int, Sequence[Any] | None] = dict.fromkeys(range(len(readings)))
    while answers:
        asked = {}
        for place, told in answers.items():
            try:
                asked[place] = next(readings[place]) if told is None else readings[place].send(told)
            except StopIteration as end:
                done[place] = end.value
        answers = dict(zip(asked, _ask(list(asked.values()), connection), strict=True))
    return [done[place] for place in range(len(readings))]


def _ask(asked: Sequence[Commands], connection: redis.Redis) -> Sequence[Sequence[Any]]:
    every = [each for commands in asked for each in commands]
    found = iter(exchange(connection, b"".join(every), len(every)) if every else ())
    return [[_sound(next(found)) for _ in commands] for commands in asked]


def _sound(answer: Any) -> Any:
    if not isinstance(answer, ResponseError):
        return answer
    if "WRONGTYPE" in str(answer):
        return None
    raise answer
