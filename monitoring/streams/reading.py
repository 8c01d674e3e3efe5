"""Asks Redis in rounds, blocking or not: what is asked and what it means is written once.

A plan is a generator. It yields the questions of a round, is sent their answers, and returns what
they mean.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis.exceptions import ResponseError

from workers.connection import storage_errors

T = TypeVar("T")

Question = Callable[[Any], Any]
"""Puts one reading command into a pipeline; both kinds of pipelines have the same methods."""

Plan = Generator[Sequence[Question], Sequence[Any], T]


def answered(plan: Plan[T], connection: redis.Redis) -> T:
    """Carry a plan out.

    Args:
        plan: What to ask, and what it means.
        connection: Where.

    Raises:
        StorageUnavailable: If Redis does not answer.
        StorageRefused: If it answers, but does not let us look.
    """
    with storage_errors():
        try:
            questions = next(plan)
            while True:
                with connection.pipeline(transaction=False) as pipe:
                    for question in questions:
                        question(pipe)
                    answers = pipe.execute(raise_on_error=False)
                questions = plan.send(answers)
        except StopIteration as end:
            result: T = end.value
            return result


async def aanswered(plan: Plan[T], connection: redis.asyncio.Redis) -> T:
    """As `answered`, without blocking the event loop."""
    with storage_errors():
        try:
            questions = next(plan)
            while True:
                async with connection.pipeline(transaction=False) as pipe:
                    for question in questions:
                        question(pipe)
                    answers = await pipe.execute(raise_on_error=False)
                questions = plan.send(answers)
        except StopIteration as end:
            result: T = end.value
            return result


_NOT_THERE = ("no such key", "NOGROUP", "WRONGTYPE")


def known(answer: Any, otherwise: Any) -> Any:
    """An answer, or something else where Redis has no such stream or group.

    Args:
        answer: What Redis said.
        otherwise: What to take instead.

    Raises:
        redis.RedisError: If Redis could not be asked, or refuses: that is not an empty stream.
    """
    if isinstance(answer, ResponseError) and str(answer).startswith(_NOT_THERE):
        return otherwise
    if isinstance(answer, Exception):
        raise answer
    return answer
