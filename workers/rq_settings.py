"""The address of Redis in the two forms that RQ's own commands understand."""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from workers.connection import tls_options, url_of_running_demo
from workers.settings import Settings


def redis_url(settings: Settings) -> str:
    """One URL with everything in it: credentials, TLS files and timeout.

    RQ passes nothing but the URL to redis-py (rq/cli/helpers.py, get_redis_from_config).

    Args:
        settings: Where Redis is.

    Returns:
        A `redis://`, `rediss://` or `unix://` URL.
    """
    url = settings.redis_url or url_of_running_demo(settings) or _from_parts(settings)
    scheme, place, path, query, _ = urlsplit(url)
    timeout = str(settings.redis_timeout)
    values = {"socket_connect_timeout": timeout, **dict(parse_qsl(query))}
    if scheme == "rediss":
        files = {name: str(value) for name, value in tls_options(settings).items() if name != "ssl"}
        values = files | values
    return urlunsplit((scheme, place, path, urlencode(values), ""))


def sentinel(settings: Settings) -> dict[str, Any] | None:
    """RQ's SENTINEL dictionary.

    Args:
        settings: The Sentinels and the login.

    Returns:
        The dictionary; None if REDIS_URL is set or there are no Sentinels.
    """
    if settings.redis_url or not settings.redis_sentinels:
        return None
    own = settings.redis_sentinel_password
    password = settings.password()
    return {
        "INSTANCES": settings.sentinels(),
        "MASTER_NAME": settings.redis_sentinel_master,
        "DB": settings.redis_db,
        "USERNAME": settings.redis_username,
        "PASSWORD": password.get_secret_value() if password else None,
        "SOCKET_TIMEOUT": settings.redis_timeout,
        "SSL": settings.redis_ssl,
        "CONNECTION_KWARGS": _tls_files(settings),
        "SENTINEL_KWARGS": {"password": own.get_secret_value()} if own else {},
    }


def _tls_files(settings: Settings) -> dict[str, Any]:
    return tls_options(settings) if settings.redis_ssl else {}


def _from_parts(settings: Settings) -> str:
    address = settings.address()
    password = quote(address.password.get_secret_value(), safe="") if address.password else ""
    user = quote(address.username or "", safe="")
    login = f"{user}:{password}@" if user or password else ""
    host = f"[{address.host}]" if ":" in address.host else address.host
    scheme = "rediss" if address.tls else "redis"
    return f"{scheme}://{login}{host}:{address.port}/{address.db}"
