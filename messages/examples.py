"""One valid message of each type, for the demo, the documentation and the tests."""

from messages.base import Message
from messages.union import message_class, parse_message


def examples_of(name: str) -> tuple[Message, ...]:
    """The examples a message type declares.

    Args:
        name: A wire name such as `EMAIL`.

    Returns:
        One message for each entry of the class's `examples`, each with a new id.

    Raises:
        UnknownMessageType: If no imported class has that name.
    """
    declared = message_class(name).examples
    return tuple(parse_message({"messageType": name, "data": example}) for example in declared)
