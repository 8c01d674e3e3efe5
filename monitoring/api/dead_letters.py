"""Routes: dead letters, one by one and many at once."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.bodies import Bulk, Edit, LetterFilter, Why
from monitoring.api.bulk import as_bulk
from monitoring.api.parts import (
    Actor,
    Asker,
    Engine,
    JsonDict,
    OfWhat,
    OwnActor,
    OwnDestroyer,
    Reader,
    Writer,
    by,
)
from monitoring.api.reasons import NeededReason
from monitoring.jobs.tenants import letter_of
from workers import dead_letters
from workers.dead_letters import Filter

router = APIRouter(prefix="/api/dead-letters", tags=["dead letters"])

_MOST = 200


@router.get("")
def list_letters(  # noqa: PLR0913, PLR0917 - what a route is given
    asker: Asker,
    reader: Reader,
    among: OfWhat,
    reason: str | None = None,
    text: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
    cursor: str | None = None,
) -> JsonDict:
    """List dead letters, the newest first; of one tenant, to who may see no other.

    `total` counts all letters, whatever is asked for: which ones fit is known only page by page,
    and `cursor` is null once there are no more.
    """
    wanted = Filter(
        message_type=among.message_type,
        queue=among.queue,
        reason=reason,
        text=text,
        tenant=asker.tenant,
    )
    page = dead_letters.page(wanted, limit=limit, cursor=cursor, connection=reader)
    return {
        "letters": [dead_letters.as_listed(each) for each in page.letters],
        "cursor": page.cursor,
        "total": dead_letters.count(tenant=asker.tenant, connection=reader),
    }


@router.get("/{job_id}")
def show_letter(job_id: str, asker: Asker, reader: Reader) -> JsonDict:
    """Show a whole letter, its secrets masked."""
    return dead_letters.as_shown(letter_of(asker.tenant, job_id, connection=reader))


@router.patch("/{job_id}")
def edit_letter(job_id: str, body: Edit, asker: Actor, writer: Writer) -> JsonDict:
    """Change a letter's data for good; a later replay sends what it is then."""
    found = dead_letters.edit(job_id, body.data, by=by(asker, body.reason), connection=writer)
    return {"success": True, "changes": dead_letters.as_changes(found)}


@router.post("/{job_id}/replay")
def replay_letter(
    job_id: str, body: Why, asker: OwnActor, writer: Writer, engine: Engine
) -> JsonDict:
    """Send a letter's message again, and remove the letter."""
    letter_of(asker.tenant, job_id, connection=writer)
    new_id = dead_letters.replay(
        job_id, by=by(asker, body.reason), settings=engine, connection=writer
    )
    return {"success": True, "newJobId": new_id}


@router.delete("/{job_id}")
def purge_letter(
    job_id: str, asker: OwnDestroyer, writer: Writer, reason: NeededReason
) -> JsonDict:
    """Remove a letter for good."""
    letter_of(asker.tenant, job_id, connection=writer)
    dead_letters.purge(job_id, by=by(asker, reason), connection=writer)
    return {"success": True, "jobId": job_id}


@router.post("/replay")
def replay_letters(body: Bulk, asker: OwnActor, writer: Writer, engine: Engine) -> JsonDict:
    """Replay all letters of a filter; a dry run shows which, and the next run does just those."""
    wanted = _wanted(body.filter, asker.tenant)
    if body.dry_run:
        found = dead_letters.dry_replay(wanted, connection=writer, settings=engine)
    else:
        found = dead_letters.replay_all(
            wanted, by=by(asker, body.reason), connection=writer, settings=engine
        )
    return as_bulk(found, dry_run=body.dry_run)


@router.post("/purge")
def purge_letters(body: Bulk, asker: OwnDestroyer, writer: Writer) -> JsonDict:
    """Remove all letters of a filter for good; a dry run shows which."""
    wanted = _wanted(body.filter, asker.tenant)
    if body.dry_run:
        found = dead_letters.dry_purge(wanted, connection=writer)
    else:
        found = dead_letters.purge_all(wanted, by=by(asker, body.reason), connection=writer)
    return as_bulk(found, dry_run=body.dry_run)


def _wanted(given: LetterFilter, tenant: str | None) -> Filter:
    return Filter(**given.model_dump(), tenant=tenant)
