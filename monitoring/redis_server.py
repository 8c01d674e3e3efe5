"""The Redis server in numbers: memory, clients, latency, and what is wrong with it. Only reads."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import redis

from monitoring.doctor.server import read_server, server_findings
from monitoring.queues.snapshot import Counts
from workers.connection import default_connection, storage_errors

JsonDict = dict[str, Any]


def get_redis(*, connection: redis.Redis | None = None) -> JsonDict:
    """What the server tells of itself, in 2 round trips.

    Args:
        connection: Where; None means the server that the settings name.

    Returns:
        `version`, `role`, `uptimeSeconds` and `commandsPerSecond`; `pingMs`, what one round trip
        took from here; `memory` with `usedBytes`, `peakBytes`, `limitBytes` (None if there is
        none), `fragmentation` and `policy`; `clients` with `connected`, `blocked` and `most`;
        `keys` with `evicted` and `expired` since its start; and `warnings`, what the doctor finds
        that may lose messages, each with `code`, `severity`, `what` and `remedy`. What the server
        does not tell, or refuses to, is None.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        began = time.perf_counter()
        connection.ping()
        took = time.perf_counter() - began
        server = read_server(connection)
    found = [each for each in server_findings(server, Counts()) if each.severity != "info"]
    return {
        "version": server.info.get("redis_version"),
        "role": server.info.get("role"),
        "uptimeSeconds": server.info.get("uptime_in_seconds"),
        "commandsPerSecond": server.info.get("instantaneous_ops_per_sec"),
        "pingMs": round(took * 1000, 3),
        **_parts(server.info),
        "warnings": [asdict(each) for each in found],
    }


def _parts(info: Mapping[str, Any]) -> JsonDict:
    return {
        "memory": {
            "usedBytes": info.get("used_memory"),
            "peakBytes": info.get("used_memory_peak"),
            "limitBytes": info.get("maxmemory") or None,
            "fragmentation": info.get("mem_fragmentation_ratio"),
            "policy": info.get("maxmemory_policy"),
        },
        "clients": {
            "connected": info.get("connected_clients"),
            "blocked": info.get("blocked_clients"),
            "most": info.get("maxclients"),
        },
        "keys": {"evicted": info.get("evicted_keys"), "expired": info.get("expired_keys")},
    }
