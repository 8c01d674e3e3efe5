"""The messages of the rows: a TEST message, which the handler ignores, and one with an index."""

from collections.abc import Iterator
from datetime import UTC, datetime

from messages import TestMessage, WorkoutChanges, WorkoutUpdateMessage
from messages.test import TestData, TestPayload

MESSAGE_BYTES = 300
"""Size of one message as JSON."""

QUEUE = TestMessage.queue

_SENT = datetime(2026, 1, 15, 12, 0, 0, 123456, tzinfo=UTC)  # its text has always the same length


def sample_messages(count: int) -> Iterator[TestMessage]:
    """Messages of 300 bytes that differ in their ids.

    Args:
        count: How many, from 0.

    Yields:
        One message at a time.
    """
    padding = MESSAGE_BYTES - len(_message("").to_json())
    for _ in range(count):
        yield _message("x" * padding)


def indexed_messages(count: int) -> Iterator[WorkoutUpdateMessage]:
    """Messages of 300 bytes with two indexed fields: one with many values, one with few.

    Args:
        count: How many, from 0.

    Yields:
        One message at a time.
    """
    padding = MESSAGE_BYTES - len(_indexed_message(0, "").to_json())
    for number in range(count):
        yield _indexed_message(number, "x" * padding)


def messages_of_tenants(count: int) -> Iterator[TestMessage]:
    """Messages as `sample_messages`, each with one of ten tenants in its metadata.

    Args:
        count: How many, from 0.

    Yields:
        One message at a time.
    """
    for number, message in enumerate(sample_messages(count)):
        yield message.model_copy(update={"metadata": {"tenant": f"tenant-{number % 10}"}})


def _indexed_message(number: int, text: str) -> WorkoutUpdateMessage:
    plan, exercise = f"plan-{number:05}", f"exercise-{number % 50:02}"
    message = WorkoutUpdateMessage.of(
        plan, f"phase{text}", "session", exercise, WorkoutChanges(sets=4)
    )
    return message.model_copy(update={"timestamp": _SENT})


def _message(text: str) -> TestMessage:
    data = TestData(test_type="echo", payload=TestPayload(field=text))
    return TestMessage(timestamp=_SENT, data=data)
