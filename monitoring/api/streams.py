"""Routes: streams, seen without touching them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from monitoring.api.parts import Asker, JsonDict, Reader
from monitoring.streams import SyncStreams
from monitoring.streams.listing import get_streams
from monitoring.web.auth import check_tenant
from monitoring.web.identity import Identity
from workers.settings import load_settings
from workers.streams.naming import Naming

router = APIRouter(tags=["streams"])

_MOST = 200


@router.get("/api/guilds/{guild_id}/job-activity")
def guild_activity(guild_id: str, asker: Asker, reader: Reader) -> JsonDict:
    """Count a guild's messages, and show the newest."""
    check_tenant(asker, guild_id)
    return SyncStreams(connection=reader).get_guild_job_stats(guild_id)


@router.get("/api/streams")
def streams(
    asker: Asker,
    reader: Reader,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    cursor: Annotated[str, Query(max_length=2_000)] = "",
) -> JsonDict:
    """List the streams that are known, or those of the asker's tenant, by name."""
    found = get_streams(tenant=asker.tenant, after=cursor, most=limit, connection=reader)
    return {
        "streams": found,
        "cursor": found[-1]["stream_name"] if len(found) == limit else None,
    }


@router.get("/api/streams/{name}")
def stream(name: str, asker: Asker, reader: Reader) -> JsonDict:
    """Show a stream: its length, its groups and how far they are."""
    _check(asker, name)
    return SyncStreams(connection=reader).get_stream_info(name)


@router.get("/api/streams/{name}/jobs")
def stream_jobs(
    name: str,
    asker: Asker,
    reader: Reader,
    count: Annotated[int, Query(ge=1, le=_MOST)] = 10,
    reverse: bool = True,  # noqa: FBT001, FBT002 - a query parameter
) -> list[dict[str, Any]]:
    """Show entries of a stream and how far each is, without claiming any."""
    _check(asker, name)
    return SyncStreams(connection=reader).peek_jobs(name, count, reverse)


@router.get("/api/streams/{name}/pending")
def stream_pending(name: str, asker: Asker, reader: Reader, group: str | None = None) -> JsonDict:
    """Tell what the consumers of a group have in hand."""
    _check(asker, name)
    return SyncStreams(connection=reader).get_pending_jobs_info(name, group)


def _check(asker: Identity, name: str) -> None:
    check_tenant(asker, Naming(load_settings().stream_template).read(name).tenant)
