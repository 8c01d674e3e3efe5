"""Where a client has its server, for a client of the other kind: blocking, or for asyncio."""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.sentinel import SentinelConnectionPool

from workers.errors import InvalidOption

_NAMES = ("host", "port", "db", "username", "password", "socket_timeout")
_TLS_NAMES = (
    *("ssl_keyfile", "ssl_certfile", "ssl_cert_reqs"),
    *("ssl_ca_certs", "ssl_ca_data", "ssl_check_hostname"),
)


def same_server(pool: Any) -> dict[str, Any]:
    """What a new client takes to reach the server of another one.

    Args:
        pool: The connection pool of either kind of client.

    Returns:
        Options for either kind, with TLS where the pool has it.

    Raises:
        InvalidOption: If it asks Sentinel where its server is.
    """
    if isinstance(pool, SentinelConnectionPool | AsyncSentinelConnectionPool):
        raise InvalidOption(
            "The connection asks Sentinel where Redis is, so no second one can be made from it.",
            field="connection",
            remedy="Pass one of the other kind, or none: then the settings say where Redis is.",
        )
    options = pool.connection_kwargs
    known = {name: options[name] for name in _NAMES if options.get(name) is not None}
    if "path" in options:
        return known | {"unix_socket_path": options["path"]}
    if issubclass(pool.connection_class, redis.SSLConnection | redis.asyncio.SSLConnection):
        tls = {name: options[name] for name in _TLS_NAMES if options.get(name) is not None}
        return known | tls | {"ssl": True}
    return known
