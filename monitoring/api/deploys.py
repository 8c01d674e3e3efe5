"""Routes: when which release was deployed."""

from http import HTTPStatus

from fastapi import APIRouter

from monitoring.api.bodies import Mark
from monitoring.api.parts import Actor, JsonDict, Looker, Reader, Writer
from monitoring.numbers.deploys import get_deploys
from workers import deploys
from workers.connection import storage_errors

router = APIRouter(prefix="/api/deploys", tags=["numbers"])


@router.get("")
def list_deploys(_: Looker, reader: Reader) -> JsonDict:
    """List the releases that were deployed, oldest first."""
    return {"deploys": list(get_deploys(connection=reader))}


@router.post("", status_code=HTTPStatus.CREATED)
def mark(body: Mark, asker: Actor, writer: Writer) -> JsonDict:
    """Mark that a release is being deployed; charts of numbers show it."""
    with storage_errors():
        deploys.mark(body.version, note=body.note, actor=asker.subject, connection=writer)
    return {"success": True, "version": body.version}
