"""Builds Redis clients: where the server is, for how long to wait, and what to say if it is not."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    InvalidResponse,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)
from redis.retry import Retry
from redis.sentinel import Sentinel

from workers.errors import StorageRefused, StorageUnavailable
from workers.logger import get_logger
from workers.same_server import same_server
from workers.settings import Settings, load_settings

log = get_logger("postroom.connection")

_RETRIES = 1  # a pooled connection may have died with a restarted server: one new one, at once


@dataclass(frozen=True)
class Source:
    """Makes clients of a server that no setting names."""

    connect: Callable[[], redis.Redis]
    aconnect: Callable[[], redis.asyncio.Redis]


_instead: Source | None = None


def connect(settings: Settings) -> redis.Redis:
    """A client for the server the settings name.

    Args:
        settings: Where Redis is, and REDIS_TIMEOUT.

    Returns:
        A client that waits at most REDIS_TIMEOUT for a connection and for an answer.
    """
    if _instead is not None:
        return _instead.connect()
    options = _options(settings) | {"retry": Retry(NoBackoff(), _RETRIES, (RedisConnectionError,))}
    if settings.redis_url:
        return redis.Redis.from_url(settings.redis_url, **options)
    if settings.redis_sentinels:
        sentinel = Sentinel(settings.sentinels(), sentinel_kwargs=_sentinel_options(settings))
        master = settings.redis_sentinel_master
        client: redis.Redis = sentinel.master_for(master, **options, **_login(settings))
        return client
    if (url := url_of_running_demo(settings)) is not None:
        return redis.Redis.from_url(url, **options)
    return redis.Redis(**options, **_where(settings))


def aconnect(settings: Settings) -> redis.asyncio.Redis:
    """As `connect`, for asyncio."""
    if _instead is not None:
        return _instead.aconnect()
    retry = AsyncRetry(NoBackoff(), _RETRIES, (RedisConnectionError,))
    options = _options(settings) | {"retry": retry}
    if settings.redis_url:
        return redis.asyncio.Redis.from_url(settings.redis_url, **options)
    if settings.redis_sentinels:
        kwargs = _sentinel_options(settings)
        sentinel = AsyncSentinel(settings.sentinels(), sentinel_kwargs=kwargs)
        master = settings.redis_sentinel_master
        client: redis.asyncio.Redis = sentinel.master_for(master, **options, **_login(settings))
        return client
    if (url := url_of_running_demo(settings)) is not None:
        return redis.asyncio.Redis.from_url(url, **options)
    return redis.asyncio.Redis(**options, **_where(settings))


def atwin(connection: redis.Redis) -> redis.asyncio.Redis:
    """An asyncio client of the server that a client has; the caller closes it.

    Args:
        connection: The client.
    """
    if _instead is not None:
        return _instead.aconnect()
    return redis.asyncio.Redis(**same_server(connection.connection_pool))


def twin(connection: redis.asyncio.Redis) -> redis.Redis:
    """As `atwin`, the other way round.

    Args:
        connection: The asyncio client.
    """
    if _instead is not None:
        return _instead.connect()
    return redis.Redis(**same_server(connection.connection_pool))


@lru_cache(maxsize=8)
def connection_for(settings: Settings) -> redis.Redis:
    """The client that this process uses for a server, made once.

    Args:
        settings: Where Redis is.
    """
    return connect(settings)


def default_connection() -> redis.Redis:
    """The client of this process, for callers that pass none."""
    return connection_for(load_settings())


_aclients: dict[tuple[asyncio.AbstractEventLoop, Settings], redis.asyncio.Redis] = {}


async def aconnection_for(settings: Settings) -> redis.asyncio.Redis:
    """The client that the running event loop uses for a server, made once.

    Args:
        settings: Where Redis is.
    """
    loop = asyncio.get_running_loop()
    for over in [key for key in _aclients if key[0].is_closed()]:
        del _aclients[over]  # its sockets close with it
    if (loop, settings) not in _aclients:
        _aclients[loop, settings] = aconnect(settings)
    return _aclients[loop, settings]


@contextmanager
def separate_server(source: Source) -> Iterator[None]:
    """Let another server answer wherever the settings would name one. For tests.

    Args:
        source: Makes its clients.
    """
    global _instead  # noqa: PLW0603 - the one place that every default client comes from
    before, _instead = _instead, source
    kept = dict(_aclients)  # of loops that outlive this, such as one for a whole test session
    connection_for.cache_clear()
    _aclients.clear()
    try:
        yield
    finally:
        _instead = before
        connection_for.cache_clear()
        _aclients.clear()
        _aclients.update(kept)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what redis-py raises into the two errors that callers are told about.

    Raises:
        StorageUnavailable: If the server does not answer in time.
        StorageRefused: If it answers, but is full, read-only or still loading.
    """
    try:
        yield
    except AuthenticationError as error:
        raise StorageUnavailable(
            f"Redis refuses the login: {_text(error)}.",
            remedy="Correct the user and password in REDIS_URL or REDIS_PASSWORD.",
            code="redis_login",
        ) from error
    except (OutOfMemoryError, ReadOnlyError, BusyLoadingError) as error:
        raise StorageRefused(f"Redis refused to write: {_text(error)}.") from error
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StorageUnavailable(f"Redis cannot be reached: {_text(error)}.") from error
    except InvalidResponse as error:
        raise StorageUnavailable(
            f"What answers at Redis' address is not Redis: {_text(error)}.", code="not_redis"
        ) from error
    except ResponseError as error:
        raise StorageRefused(
            f"Redis refused a command: {_text(error)}.",
            remedy="`postroom doctor` looks at the server's settings and rights.",
            code="redis_refused",
        ) from error


def _text(error: Exception) -> str:
    return str(error).rstrip(".")


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "socket_connect_timeout": settings.redis_timeout,
        "socket_timeout": settings.redis_timeout,
    }


def _login(settings: Settings) -> dict[str, Any]:
    password = settings.password()
    login: dict[str, Any] = {
        "db": settings.redis_db,
        "username": settings.redis_username,
        "password": password.get_secret_value() if password else None,
    }
    return login | tls_options(settings) if settings.redis_ssl else login


def _where(settings: Settings) -> dict[str, Any]:
    address = settings.address()
    where: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "db": address.db,
        "username": address.username,
        "password": address.password.get_secret_value() if address.password else None,
    }
    return where | tls_options(settings) if address.tls else where


def tls_options(settings: Settings) -> dict[str, Any]:
    """What redis-py needs to know for TLS: which files, as far as they are set."""
    files = {
        "ssl_ca_certs": settings.redis_ssl_ca_certs,
        "ssl_certfile": settings.redis_ssl_certfile,
        "ssl_keyfile": settings.redis_ssl_keyfile,
    }
    return {"ssl": True, **{name: str(path) for name, path in files.items() if path}}


def _sentinel_options(settings: Settings) -> dict[str, Any]:
    password = settings.redis_sentinel_password
    return _options(settings) | {"password": password.get_secret_value() if password else None}


def url_of_running_demo(settings: Settings) -> str | None:
    """The embedded server of a running demo, when the environment names no server.

    Args:
        settings: The environment, and where the demo keeps its files.

    Returns:
        Its URL if it answers, else None.
    """
    url = None if settings.names_a_server() else demo_url(settings.data_dir)
    if url is None or not _answers(url):
        return None
    log.info("using_the_server_of_the_running_demo", url=url)
    return url


def demo_url(data_dir: Path) -> str | None:
    """Where the embedded server of a running demo says it is.

    Args:
        data_dir: The setting of that name.

    Returns:
        Its URL, or None. Whoever uses it must check that it answers: the file may be left over.
    """
    try:
        recorded: Any = json.loads((data_dir / "redis.json").read_text())
        url = recorded["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if isinstance(url, str) else None


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
