"""An application that lets secrets slip wherever it can: into logs, errors and progress."""

import json
import logging
import os
from typing import Annotated, Literal

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import LogField, Secret
from workers import Context, PermanentError, RetryPolicy, handles


class CardData(Payload):
    holder: str
    number: Annotated[str, Secret]


class LeakData(Payload):
    how: Annotated[str, LogField]
    pin: Annotated[str, Secret, LogField]
    card: CardData
    others: list[CardData] = Field(default_factory=list)
    code: Annotated[int | None, Secret] = None
    notes: Annotated[dict[str, str] | None, Secret] = None


class LeakMessage(Message):
    message_type: Literal["LEAK"] = "LEAK"
    data: LeakData


class CarelessError(Exception):
    pass


@handles(LeakMessage, retry=RetryPolicy(max_attempts=1))
def leak(message: LeakMessage, context: Context) -> None:
    spoken = json.loads(os.environ["SLIPS"])
    text = " | ".join([*spoken, message.model_dump_json(), repr(message), str(dict(os.environ))])
    context.log.info("leaked", text=text, environment=dict(os.environ), slips=spoken)
    context.log.info("leaked", numbers=[message.data.code], data=message.data.model_dump())
    context.log.info(text)
    context.progress(0.5, text)
    logging.getLogger("tests.secret_app").warning("by itself: %s", text)
    logging.getLogger("a.library").warning("of others: %s", text)
    try:
        int(text)
    except ValueError:
        context.log.exception("careless")
    if message.data.how == "permanent":
        raise PermanentError(text)
    raise CarelessError(text)
