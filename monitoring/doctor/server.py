"""Whether the server is the right one, and set up to keep what it is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from monitoring.doctor.finding import Finding
from monitoring.queues.snapshot import Counts
from monitoring.words import number, size

_OLDEST = (6, 2)
_FULL, _BRIM = 0.80, 0.95  # shares of maxmemory

_PACKED_VALUE = 1_024  # bytes of hash-max-listpack-value: a typed message of usual size fits
_PACKED_NODE = 512  # bytes of stream-node-max-bytes: a result stream has one short entry
# Measured with typed messages of about 330 bytes: a waiting job takes 1,550 or 814 bytes, a
# result 4,728 or 1,144.
_SAVED_PER_JOB = 736
_SAVED_PER_RESULT = 3_584

_TURN_AOF_ON = "`redis-cli CONFIG SET appendonly yes`, and the same in the server's configuration."
_PATTERNS = ("save", "hash-max-*-value", "stream-node-max-bytes")


@dataclass(frozen=True)
class Server:
    """What a server tells about itself.

    Args:
        info: Its INFO; empty if that was refused.
        config: The settings above, by name; None if CONFIG was refused.
    """

    info: Mapping[str, Any]
    config: Mapping[str, str] | None


def read_server(connection: redis.Redis) -> Server:
    """Ask a server about itself, in one round trip.

    Args:
        connection: The server.

    Returns:
        What it tells. Managed servers refuse CONFIG, and a user may not be allowed INFO.
    """
    with connection.pipeline(transaction=False) as pipe:
        pipe.info()
        for pattern in _PATTERNS:
            pipe.config_get(pattern)
        info, *configs = pipe.execute(raise_on_error=False)
    told = [config for config in configs if not isinstance(config, Exception)]
    return Server(
        info={} if isinstance(info, Exception) else info,
        config={k: v for config in told for k, v in config.items()} if told else None,
    )


def server_findings(server: Server, jobs: Counts) -> Iterator[Finding]:
    """Judge a server.

    Args:
        server: What it tells.
        jobs: All its jobs, for what a setting would save.
    """
    if server.info:
        yield from _version(server.info)
        yield from _role(server.info)
        yield from _persistence(server)
        yield from _eviction(server.info)
        yield from _memory(server.info)
    if server.config is None or not server.info:
        yield _unreadable(server)
    if server.config is not None:
        yield from _sizes(server.config, jobs)


def _version(info: Mapping[str, Any]) -> Iterator[Finding]:
    told = str(info.get("redis_version", ""))
    parts = tuple(int(part) for part in told.split(".")[:2] if part.isdigit())
    if parts < _OLDEST:
        yield Finding(
            "redis_too_old",
            "critical",
            f"The server is Redis {told or 'of an unknown version'}: it lacks commands that "
            "workers use, which came with 6.2.",
            "Upgrade it to Redis 6.2 or newer, or to Valkey.",
        )


def _role(info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("role") != "slave":
        return
    master = f"{info.get('master_host')}:{info.get('master_port')}"
    yield Finding(
        "redis_is_replica",
        "critical",
        f"The server is a replica of {master}: nothing can be sent to it or worked on.",
        f"Point REDIS_URL to {master}, or let REDIS_SENTINELS find the master.",
    )


def _persistence(server: Server) -> Iterator[Finding]:
    if server.info.get("aof_enabled"):
        return
    if server.config is None or server.config.get("save"):
        changes = int(server.info.get("rdb_changes_since_last_save", 0))
        yield Finding(
            "snapshots_only",
            "warning",
            "The server writes snapshots at most (appendonly is off): a crash loses what changed "
            f"since the last, at present {number(changes, 'change')}.",
            _TURN_AOF_ON,
        )
        return
    yield Finding(
        "no_persistence",
        "critical",
        "The server writes nothing to disk (appendonly is off, save is empty): a restart loses "
        "every message and every dead letter.",
        _TURN_AOF_ON,
    )


def _eviction(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy, limit = info.get("maxmemory_policy"), int(info.get("maxmemory", 0))
    if policy in {None, "noeviction"}:
        return
    evicted = int(info.get("evicted_keys", 0))
    what = f"when {size(limit)} are used" if limit else "as soon as somebody sets maxmemory"
    yield Finding(
        "eviction_policy",
        "critical" if limit else "warning",
        f"maxmemory-policy is {policy}: {what}, the server removes keys, jobs among them; it has "
        f"removed {number(evicted, 'key')} so far.",
        "`redis-cli CONFIG SET maxmemory-policy noeviction`, and the same in its configuration.",
    )


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not limit or used < _FULL * limit:
        return
    yield Finding(
        "memory_nearly_full",
        "critical" if used >= _BRIM * limit else "warning",
        f"Redis uses {size(used)} of {size(limit)} ({used / limit:.0%}); when it is full, nothing "
        "can be sent.",
        "Raise maxmemory, or lower RESULT_TTL, KEEP_FINISHED and KEEP_FAILED.",
    )


def _unreadable(server: Server) -> Finding:
    refused = [name for name, has in (("INFO", server.info), ("CONFIG", server.config)) if not has]
    return Finding(
        "settings_unreadable",
        "info",
        f"The server refuses {' and '.join(refused)}, so persistence and memory could be judged in "
        "part only. Managed servers do that.",
        "Check in the provider's console: appendonly yes, maxmemory-policy noeviction, "
        f"hash-max-listpack-value {_PACKED_VALUE}, stream-node-max-bytes {_PACKED_NODE}.",
    )


def _sizes(config: Mapping[str, str], jobs: Counts) -> Iterator[Finding]:
    hashes = "hash-max-listpack-value"
    hashes = hashes if hashes in config else "hash-max-ziplist-value"  # its name before Redis 7
    value = int(config.get(hashes, _PACKED_VALUE))
    if value < _PACKED_VALUE:
        saved = f"job takes about {_SAVED_PER_JOB} bytes less: {size(_SAVED_PER_JOB * jobs.total)}"
        yield _saving(hashes, value, _PACKED_VALUE, saved)
    streams = "stream-node-max-bytes"
    value = int(config.get(streams, _PACKED_NODE))
    if value > _PACKED_NODE or value == 0:
        most = size(_SAVED_PER_RESULT * jobs.finished)
        saved = f"result takes about {_SAVED_PER_RESULT:,} bytes less: at most {most}"
        yield _saving(streams, value, _PACKED_NODE, saved)


def _saving(name: str, value: int, better: int, saved: str) -> Finding:
    return Finding(
        name.replace("-", "_"),
        "info",
        f"{name} is {value}. With {better} each new {saved} for as many as are here now.",
        f"`redis-cli CONFIG SET {name} {better}`, and the same in the server's configuration.",
    )
