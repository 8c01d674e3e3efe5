"""Routes: what is paused: queues, message types, tenants."""

from http import HTTPStatus

from fastapi import APIRouter

from monitoring.api.bodies import PauseOf
from monitoring.api.parts import Actor, JsonDict, Looker, Reader, Writer, by
from monitoring.queues.held import shown_pause
from monitoring.queues.known_queues import check_queue
from monitoring.queues.known_types import check_type
from workers import pauses

router = APIRouter(prefix="/api/pauses", tags=["queues"])


@router.get("")
def list_pauses(_: Looker, reader: Reader) -> JsonDict:
    """List what is paused, by whom and why, and how many jobs each pause holds back."""
    return {"pauses": [shown_pause(each) for each in pauses.pauses(connection=reader)]}


@router.post("", status_code=HTTPStatus.CREATED)
def pause(body: PauseOf, asker: Actor, writer: Writer) -> JsonDict:
    """Let no new job of a queue, a message type or a tenant start; running jobs end."""
    if body.kind == "queue":
        check_queue(body.name, connection=writer)
    elif body.kind == "type":
        check_type(body.name, connection=writer)
    why = by(asker, body.reason)
    changed = pauses.pause(body.kind, body.name, by=why, connection=writer)
    return {"success": True, "kind": body.kind, "name": body.name, "changed": changed}


@router.post("/resume")
def resume(body: PauseOf, asker: Actor, writer: Writer) -> JsonDict:
    """End a pause; what it held back goes to the front of its queue."""
    why = by(asker, body.reason)
    released = pauses.resume(body.kind, body.name, by=why, connection=writer)
    return {
        "success": True,
        "kind": body.kind,
        "name": body.name,
        "changed": released is not None,
        "released": released or 0,
    }
