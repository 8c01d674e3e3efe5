"""Routes: failures of one kind together, and what one may do about them."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.bodies import FixedIn, Trial, Why
from monitoring.api.bulk import as_bulk
from monitoring.api.parts import Actor, Engine, JsonDict, Looker, OfWhat, Reader, Writer, by
from monitoring.failures import MOST_HOURS, Sorting, get_failure_group, get_failure_groups
from workers import failure_groups
from workers.failure_groups import GroupState

router = APIRouter(prefix="/api/failures", tags=["failures"])


@router.get("")
def list_groups(  # noqa: PLR0913, PLR0917 - what a route is given
    _: Looker,
    reader: Reader,
    among: OfWhat,
    state: GroupState | None = None,
    sort: Sorting = "last",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> JsonDict:
    """List the groups of failures, the newest failure first."""
    return get_failure_groups(
        state=state,
        queue=among.queue,
        message_type=among.message_type,
        sort=sort,
        limit=limit,
        cursor=cursor,
        connection=reader,
    )


@router.get("/{fingerprint}")
def show_group(
    fingerprint: str,
    _: Looker,
    reader: Reader,
    hours: Annotated[int, Query(ge=1, le=MOST_HOURS)] = 48,
) -> JsonDict:
    """Show one group: its trend, its releases, and the jobs that failed last."""
    return get_failure_group(fingerprint, hours=hours, connection=reader)


@router.post("/{fingerprint}/mute")
def mute(fingerprint: str, body: Why, asker: Actor, writer: Writer) -> JsonDict:
    """Leave a group out of what asks for attention, until somebody opens it."""
    changed = failure_groups.mute(fingerprint, by=by(asker, body.reason), connection=writer)
    return {"success": True, "fingerprint": fingerprint, "changed": changed}


@router.post("/{fingerprint}/unmute")
def unmute(fingerprint: str, body: Why, asker: Actor, writer: Writer) -> JsonDict:
    """Open a group that was muted, or marked as mended by mistake."""
    changed = failure_groups.unmute(fingerprint, by=by(asker, body.reason), connection=writer)
    return {"success": True, "fingerprint": fingerprint, "changed": changed}


@router.post("/{fingerprint}/fixed")
def mark_fixed(fingerprint: str, body: FixedIn, asker: Actor, writer: Writer) -> JsonDict:
    """Say in which release failures of a kind are mended; a later one opens the group again."""
    changed = failure_groups.mark_fixed(
        fingerprint, body.version, by=by(asker, body.reason), connection=writer
    )
    return {"success": True, "fingerprint": fingerprint, "changed": changed}


@router.post("/{fingerprint}/replay")
def replay_group(
    fingerprint: str, body: Trial, asker: Actor, writer: Writer, engine: Engine
) -> JsonDict:
    """Send the messages again that died of it, all or a few as a trial; at first a dry run."""
    if body.dry_run:
        found = failure_groups.dry_replay(
            fingerprint,
            most=body.most,
            data=body.data_overrides,
            connection=writer,
            settings=engine,
        )
    else:
        found = failure_groups.replay(
            fingerprint,
            most=body.most,
            data=body.data_overrides,
            by=by(asker, body.reason),
            connection=writer,
            settings=engine,
        )
    return as_bulk(found, dry_run=body.dry_run)
