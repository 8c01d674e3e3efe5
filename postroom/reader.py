"""The replica that monitoring looks at, where there is one."""

from redis import Redis

from monitoring.web.settings import WebSettings
from workers.connection import connect
from workers.settings import Settings


def reader_of(settings: WebSettings, engine: Settings) -> Redis | None:
    """Connect to it.

    Args:
        settings: Which may name it.
        engine: How to connect.

    Returns:
        None if there is none: then the server of the engine is looked at.
    """
    if settings.monitoring_redis_url is None:
        return None
    url = settings.monitoring_redis_url.get_secret_value()
    return connect(engine.model_copy(update={"redis_url": url}))
