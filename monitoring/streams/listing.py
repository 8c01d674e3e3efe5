"""All streams that are known, each with its three priorities together."""

from collections.abc import Sequence
from typing import Any

import redis

from monitoring.streams.groups import Queued, Stream, queued, streams, text
from monitoring.streams.reading import Plan, answered, known
from workers import Settings, load_settings, stream_keys
from workers.connection import connection_for
from workers.routing import queue_of
from workers.streams.naming import Naming, keys_of


def get_streams(
    *,
    tenant: str | None = None,
    after: str = "",
    most: int | None = None,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
) -> list[dict[str, Any]]:
    """The streams that are known, by name.

    Args:
        tenant: Only those of this tenant.
        after: Only those whose names come after this one.
        most: How many at most, from 1; None means all.
        connection: Where; None means the server that the settings name.
        settings: None means those of the environment.

    Returns:
        For each `stream_name`, `tenant`, `length`, `limit`, `queued_count`, `pending_count` and
        `groups`, the names of its groups.
    """
    settings = settings or load_settings()
    connection = connection or connection_for(settings)
    return answered(_some(tenant, after, most, settings), connection)


def _some(
    tenant: str | None, after: str, most: int | None, settings: Settings
) -> Plan[list[dict[str, Any]]]:
    (stored,) = yield [lambda pipe: pipe.smembers(stream_keys.streams(tenant or ""))]
    every = sorted({queue_of(text(key)) for key in known(stored, ())})
    names = [name for name in every if name > after][:most]
    found = yield from streams([key for name in names for key in keys_of(name)])
    waiting = yield from queued([(each, each.furthest_behind()) for each in found])
    by_name: dict[str, list[tuple[Stream, Queued]]] = {name: [] for name in names}
    for stream, counted in zip(found, waiting, strict=True):
        by_name[queue_of(stream.key)].append((stream, counted))
    return [_row(name, mine, settings) for name, mine in by_name.items()]


def _row(name: str, parts: Sequence[tuple[Stream, Queued]], settings: Settings) -> dict[str, Any]:
    mine = [stream for stream, _ in parts]
    return {
        "stream_name": name,
        "tenant": Naming(settings.stream_template).read(name).tenant or None,
        "length": sum(stream.length for stream in mine),
        "limit": settings.stream_limit,
        "queued_count": sum(waiting.count for _, waiting in parts),
        "pending_count": sum(group.pending for stream in mine for group in stream.groups),
        "groups": sorted({group.name for stream in mine for group in stream.groups}),
    }
