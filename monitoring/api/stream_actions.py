"""Routes: what a person may do to a stream."""

from fastapi import APIRouter

from monitoring.api.bodies import Claim, Trim
from monitoring.api.parts import Actor, JsonDict, Writer, by
from monitoring.api.reasons import NeededReason
from workers.streams import actions

router = APIRouter(prefix="/api/streams", tags=["streams"])


@router.post("/{name}/trim")
def trim(name: str, body: Trim, asker: Actor, writer: Writer) -> JsonDict:
    """Remove what every group has finished, and nothing else."""
    why = by(asker, body.reason)
    return {
        "success": True,
        "removed": actions.trim(name, keep=body.keep, by=why, connection=writer),
    }


@router.post("/{name}/claim")
def claim(name: str, body: Claim, asker: Actor, writer: Writer) -> JsonDict:
    """Let living workers have the entries of consumers that show no sign of life."""
    moved = actions.claim(
        name,
        group=body.group,
        consumer=body.consumer,
        idle=body.idle,
        by=by(asker, body.reason),
        connection=writer,
    )
    return {"success": True, "claimed": moved}


@router.delete("/{name}/consumers/{consumer}")
def delete_consumer(  # noqa: PLR0913, PLR0917 - what a route is given
    name: str,
    consumer: str,
    asker: Actor,
    writer: Writer,
    reason: NeededReason,
    group: str = "workers",
) -> JsonDict:
    """Remove a consumer; its entries are given away first, so none is lost."""
    given = actions.delete_consumer(
        name, consumer, group=group, by=by(asker, reason), connection=writer
    )
    return {"success": True, "entries": given}
