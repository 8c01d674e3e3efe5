"""TEST: echoes what it was sent."""

from messages import JsonObject, TestMessage
from workers import handles


@handles(TestMessage)
def echo(message: TestMessage) -> JsonObject:
    """Return the message's data, so that producer, queue and worker are seen to be joined up."""
    return message.data.model_dump(mode="json", exclude_none=True)
