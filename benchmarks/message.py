"""The message that every row handles: a TEST message, which the handler echoes."""

from collections.abc import Iterator
from datetime import UTC, datetime

from messages import TestMessage
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


def _message(text: str) -> TestMessage:
    data = TestData(test_type="echo", payload=TestPayload(field=text))
    return TestMessage(timestamp=_SENT, data=data)
