"""Routes: send a message, and what the types look like."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic.alias_generators import to_camel

from messages import InvalidMessage, json_schema, message_types, new_message
from messages.masking import masked_examples
from monitoring.api.bodies import Publish, Send
from monitoring.api.parts import Actor, Engine, JsonDict, Looker, Reader, Writer
from monitoring.errors import TypeNotFound
from monitoring.queues.handlers_known import get_handlers
from monitoring.web.refusals import status_of
from workers import InvalidOption, enqueue, publish

router = APIRouter(tags=["messages"])


@router.post("/api/jobs", status_code=HTTPStatus.CREATED)
def send_message(body: Send, _: Actor, writer: Writer, engine: Engine) -> Any:
    """Check a message, store it, and tell its job's id."""
    try:
        message = new_message(body.message_type, body.data, **body.envelope())
        handle = enqueue(message, connection=writer, settings=engine, **body.options.for_enqueue())
    except (InvalidMessage, InvalidOption) as error:
        return JSONResponse({"success": False, "error": error.as_dict()}, status_of(error))
    return {"success": True, "data": {"jobId": handle.id}}


@router.post("/api/streams", status_code=HTTPStatus.CREATED)
def publish_message(body: Publish, _: Actor, writer: Writer, engine: Engine) -> Any:
    """Check a message, add it to its stream, and tell where it is."""
    try:
        message = new_message(body.message_type, body.data, **body.envelope())
        found = publish(message, connection=writer, settings=engine, **body.options.for_publish())
    except (InvalidMessage, InvalidOption) as error:
        return JSONResponse({"success": False, "error": error.as_dict()}, status_of(error))
    told = {"stream": found.stream, "messageId": found.message_id, "entryId": found.entry_id}
    return {"success": True, "data": told}


@router.get("/api/message-types")
def list_types(_: Looker, reader: Reader) -> JsonDict:
    """List the message types: their queue, an example, and who handles them."""
    known = get_handlers(connection=reader)
    return {"types": [_listed(name, cls, known) for name, cls in message_types().items()]}


@router.get("/api/message-types/{name}")
def show_type(name: str, _: Looker) -> JsonDict:
    """Show the JSON Schema of a message type, and examples of its data."""
    cls = message_types().get(name)
    if cls is None:
        raise TypeNotFound(f"There is no message type {name!r}.", field="name")
    return {"messageType": name, "schema": json_schema(name), "examples": masked_examples(cls)}


def _listed(name: str, cls: Any, known: JsonDict) -> JsonDict:
    return {
        "messageType": name,
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "queue": cls.queue,
        "timeoutSeconds": cls.timeout_seconds,
        "version": cls.version,
        "handler": _in_camel_case(known.get(name)),
        "example": next(iter(masked_examples(cls)), None),
    }


def _in_camel_case(handler: JsonDict | None) -> JsonDict | None:
    return None if handler is None else {to_camel(key): value for key, value in handler.items()}
