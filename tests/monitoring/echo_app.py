"""An application whose handlers return what they were sent, secrets and all."""

from typing import Annotated, Any, ClassVar, Literal

from messages.base import Message, Payload
from messages.fields import Secret
from workers import handles


class InnerData(Payload):
    pin: Annotated[int, Secret]


class EchoData(Payload):
    api: Annotated[str, Secret]
    inner: InnerData
    note: str = ""


class EchoMessage(Message):
    queue: ClassVar[str] = "echoes"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"api": "example-b1f0", "inner": {"pin": 60317}, "note": "a first one"},
        {"api": "example-c2d9", "inner": {"pin": 60318}, "note": "another"},
    )

    message_type: Literal["TESTS_ECHO"] = "TESTS_ECHO"
    data: EchoData


class OpenData(Payload):
    text: str


class OpenMessage(Message):
    queue: ClassVar[str] = "echoes"
    message_type: Literal["TESTS_OPEN"] = "TESTS_OPEN"
    data: OpenData


@handles(EchoMessage)
def echo(message: EchoMessage) -> Any:
    data = message.data
    deep: Any = data.api
    for _ in range(20):
        deep = [deep]
    return {"echo": data.api, "pin": data.inner.pin, "told": repr(data.api), "n": 5, "deep": deep}


@handles(OpenMessage)
def show(message: OpenMessage) -> Any:
    return {"text": message.data.text}
