"""The handler of all rows: it does nothing, so that what is measured is the worker."""

from messages import TestMessage
from workers import handles


@handles(TestMessage)
def ignore(message: TestMessage) -> None:
    """Do nothing.

    Args:
        message: The message.
    """
