"""The handler of the rows whose jobs wait, as `def`: 10 ms, as for an answer from elsewhere."""

import time

from benchmarks.plan import WAIT_SECONDS
from messages import TestMessage
from workers import handles


@handles(TestMessage)
def wait(message: TestMessage) -> None:
    """Wait.

    Args:
        message: The message.
    """
    del message
    time.sleep(WAIT_SECONDS)
