"""The producers that are compared: each stores messages that are made before.

RQ's are given the same message as a dict, and the name of the same function.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from benchmarks.message import indexed_messages, messages_of_tenants, sample_messages
from benchmarks.plan import ProducerKind
from messages import Message
from workers import enqueue, enqueue_many, keys
from workers.calls import script_text
from workers.record import JOB_FUNCTION

CHUNK = 1_000
"""Jobs that RQ's `enqueue_many` is given at a time, as ours takes them."""

_made: list[Message] = []  # by `make`, for the next `produce` of this process


def make(kind: ProducerKind, jobs: int) -> None:
    """Make the messages that are stored next.

    Args:
        kind: Who will store them.
        jobs: How many.
    """
    _made[:] = _MESSAGES.get(kind, sample_messages)(jobs)


def produce(kind: ProducerKind, connection: redis.Redis) -> float:
    """Store them.

    Args:
        kind: Which producer.
        connection: Where.

    Returns:
        Seconds.
    """
    connection.script_load(script_text())  # so that storing nothing connects and loads it, too
    messages = _as_given(kind)
    began = time.perf_counter()
    _PRODUCERS[kind](messages, connection)
    return time.perf_counter() - began


def stored(connection: redis.Redis) -> int:
    """How many messages wait in the queue that they were made for.

    Args:
        connection: Where.
    """
    return int(connection.llen(keys.queue(_queue()))) if _made else 0


def _queue() -> str:
    return _made[0].queue


def _as_given(kind: ProducerKind) -> Sequence[Any]:
    if kind.startswith("rq"):
        return [message.model_dump(mode="json") for message in _made]
    return list(_made)


def _rq_enqueue(messages: Sequence[Any], connection: redis.Redis) -> None:
    queue = _rq_queue(connection)
    for message in messages:
        queue.enqueue(JOB_FUNCTION, message)


def _rq_enqueue_many(messages: Sequence[Any], connection: redis.Redis) -> None:
    queue = _rq_queue(connection)
    for first in range(0, len(messages), CHUNK):
        chunk = messages[first : first + CHUNK]
        queue.enqueue_many([Queue.prepare_data(JOB_FUNCTION, (message,)) for message in chunk])


def _enqueue(messages: Sequence[Any], connection: redis.Redis) -> None:
    for message in messages:
        enqueue(message, connection=connection)


def _enqueue_many(messages: Sequence[Any], connection: redis.Redis) -> None:
    enqueue_many(messages, connection=connection)


def _rq_queue(connection: redis.Redis) -> Queue:
    name = _queue() if _made else "default"
    return Queue(name, connection=connection, serializer=JSONSerializer)


_MESSAGES: Mapping[ProducerKind, Callable[[int], Iterable[Message]]] = {
    "indexed": indexed_messages,
    "tenants": messages_of_tenants,
}

_PRODUCERS: Mapping[ProducerKind, Callable[[Sequence[Any], redis.Redis], None]] = {
    "rq_enqueue": _rq_enqueue,
    "enqueue": _enqueue,
    "rq_enqueue_many": _rq_enqueue_many,
    "enqueue_many": _enqueue_many,
    "indexed": _enqueue_many,
    "tenants": _enqueue_many,
}
