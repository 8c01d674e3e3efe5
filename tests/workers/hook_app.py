"""A hook that breaks, beside an application's handlers."""

from messages import TestMessage
from workers import Context, on


class NotAnException(BaseException):
    """Nobody expects it."""


@on("started")
def break_when_asked(message: TestMessage, context: Context) -> None:
    del context
    if message.data.test_type == "break the hook":
        raise NotAnException
