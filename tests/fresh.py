"""Settings and connections are cached for a process; a test has its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from handlers.parts.settings import handler_settings
from workers import connection, settings


@contextmanager
def fresh_settings() -> Iterator[None]:
    """Forget what others have cached, then what this test has."""
    forget_settings()
    yield
    forget_settings()


def forget_settings() -> None:
    """Let the next who asks read the environment anew."""
    settings.load_settings.cache_clear()
    handler_settings.cache_clear()
    connection.connection_for.cache_clear()
