"""TEST: shows that producer, queue and worker are joined up."""

from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from messages.base import Message, Payload
from messages.fields import Scalar


class TestPayload(Payload):
    """What a test compares; any further scalar may be added."""

    __test__ = False  # not a test class, whatever pytest thinks of the name
    _path: ClassVar[str] = "data.payload"
    __pydantic_extra__: dict[str, Scalar]

    model_config = ConfigDict(extra="allow")

    field: str | None = None
    old_value: Scalar | None = None
    new_value: Scalar | None = None


class TestData(Payload):
    """Which kind of test, and what it carries."""

    __test__ = False

    test_type: str = Field(min_length=1)
    payload: TestPayload = TestPayload()


class TestMessage(Message):
    """Echoes what it was sent."""

    __test__ = False
    queue: ClassVar[str] = "default"
    job_types: ClassVar[tuple[str, ...]] = ("test_message",)
    """Builds have tests, too: `test` alone is theirs."""
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"testType": "echo", "payload": {"field": "name", "oldValue": "a", "newValue": "b"}},
    )

    message_type: Literal["TEST"] = "TEST"
    data: TestData
