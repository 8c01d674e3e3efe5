"""Message types for the tests of the log: with every kind of field that a line may carry."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import LogField, Secret


class Colour(StrEnum):
    RED = "red"


class PlainData(Payload):
    note_id: Annotated[str | None, LogField] = None
    row: Annotated[int | None, LogField] = None
    comment: str = ""


class PlainMessage(Message):
    queue: ClassVar[str] = "of_no_worker"
    message_type: Literal["LOG_PLAIN"] = "LOG_PLAIN"
    data: PlainData


class MixedData(Payload):
    entity: Annotated[str | int | float | bool | None, LogField] = None
    colour: Annotated[Colour | None, LogField] = None
    tags: Annotated[list[str] | None, LogField] = None
    größe: Annotated[float | None, LogField] = None  # noqa: PLC2401 - names may be like that


class MixedMessage(Message):
    queue: ClassVar[str] = "of_no_worker"
    message_type: Literal["LOG_MIXED", 'LOG "ödd"'] = "LOG_MIXED"
    data: MixedData


class OddData(Payload):
    """Fields that are named like an id, like a part of a line, or like a secret."""

    job_id: Annotated[str | None, LogField] = None
    correlation_id: Annotated[str | None, LogField] = None
    duration_ms: Annotated[str | None, LogField] = None
    message: Annotated[str | None, LogField] = None
    level: Annotated[str | None, LogField] = None
    api_token: Annotated[str | None, LogField] = None


class OddMessage(Message):
    queue: ClassVar[str] = "of_no_worker"
    message_type: Literal["LOG_ODD"] = "LOG_ODD"
    data: OddData


class KeyData(Payload):
    api_token: Annotated[str | None, LogField] = None


class KeyMessage(Message):
    """Its only field is hidden for its name."""

    queue: ClassVar[str] = "of_no_worker"
    message_type: Literal["LOG_KEY"] = "LOG_KEY"
    data: KeyData


class PrivateData(Payload):
    user: Annotated[str | None, LogField] = None
    names: Annotated[list[str] | None, LogField] = None
    pin: Annotated[str | None, Secret] = None
    codes: Annotated[list[str], Secret] = Field(default_factory=list)


class PrivateMessage(Message):
    queue: ClassVar[str] = "of_no_worker"
    message_type: Literal["LOG_PRIVATE"] = "LOG_PRIVATE"
    data: PrivateData
