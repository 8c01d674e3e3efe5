"""Servers that the tests of this folder may set up as they like, and workers as RQ records them."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from redis import Redis
from rq import Worker
from rq.utils import utcformat

from postroom.embedded import CONFIG
from postroom.embedded import redis_server as running_server
from tests.fresh import fresh_settings
from workers import connection, settings

OURS = "workers.engine.worker.MessageWorker"

_DEFAULTS = {
    **{name: CONFIG[name] for name in ("appendonly", "save", "stream-node-max-bytes")},
    "hash-max-listpack-value": CONFIG["hash-max-ziplist-value"],
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
}


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    with fresh_settings():
        yield


@pytest.fixture(scope="session")
def own_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own, whatever REDIS_URL says."""
    with running_server(tmp_path_factory.mktemp("own")) as server:
        yield server.url


@pytest.fixture
def own_server(own_url: str) -> Iterator[Redis]:
    """That server, empty and set up as we ship it; a test may change its settings and users."""
    with Redis.from_url(own_url) as client:
        client.flushall()
        yield client
        client.replicaof("NO", "ONE")
        for name, value in _DEFAULTS.items():
            client.config_set(name, value)
        for user in client.acl_users():
            if user != "default":
                client.acl_deluser(user)


Register = Callable[..., Worker]


@pytest.fixture
def register() -> Register:
    """Record a worker as RQ does, without running one: `register(redis, "email", ours=True)`."""

    def _register(
        redis: Redis, *lists: str, name: str = "one", ours: bool = True, **told: object
    ) -> Worker:
        worker = Worker(list(lists), name=name, connection=redis)
        worker.register_birth()
        worker.set_state("idle")
        if ours:
            redis.hset(worker.key, "worker_class", OURS)
        for field, value in told.items():
            shown = utcformat(value) if isinstance(value, datetime) else str(value)
            redis.hset(worker.key, field, shown)
        return worker

    return _register


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def utc_now() -> datetime:
    return datetime.now(UTC)


def seconds_of(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def url_of(server: Redis, user: str = "") -> str:
    told = server.connection_pool.connection_kwargs
    return f"redis://{user and f'{user}@'}{told['host']}:{told['port']}/0"


def log_in(server: Redis, user: str, *, allowed: tuple[str, ...], key: str = "*") -> Redis:
    """A client of a new user with these rights and no others."""
    rights = {"commands": list(allowed), "keys": [key], "channels": ["*"]}
    server.acl_setuser(user, enabled=True, nopass=True, **rights)
    return connection.connect(settings.Settings(redis_url=url_of(server, user)))
