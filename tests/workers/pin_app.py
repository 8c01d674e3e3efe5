"""An application whose checks and handlers tell what they should keep to themselves."""

import os
from typing import Annotated, Any, ClassVar, Literal

from pydantic import field_validator

from messages.base import Message, Payload
from messages.fields import Secret
from workers import PermanentError, handles


class PinData(Payload):
    holder: str
    pin: Annotated[str, Secret]
    spares: Annotated[list[str], Secret]

    @field_validator("pin")
    @classmethod
    def _has_no_letter(cls, pin: str) -> str:
        if "letter" in pin:
            message = f"{pin} is no pin"
            raise ValueError(message)
        return pin


class PinMessage(Message):
    queue: ClassVar[str] = "tests-pins"
    message_type: Literal["TESTS_PIN"] = "TESTS_PIN"
    data: PinData


@handles(PinMessage)
def check_pin(message: PinMessage) -> Any:
    data = message.data
    text = f"{data.pin} {data.spares} of {data.holder} with {os.environ['BANK_TOKEN']}"
    raise PermanentError(text)
