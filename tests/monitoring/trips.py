"""A client that counts its round trips."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Connection, ConnectionPool, Redis
from typing_extensions import override

from tests.monitoring.counting import connect_both


class Counting(Connection):
    """Counts what is sent, a pipeline as one."""

    sent = 0

    @override
    def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        type(self).sent += 1
        super().send_packed_command(*arguments, **options)


class CountingRedis(Redis):
    """A client that is connected already."""

    @property
    def trips(self) -> int:
        """Round trips since the last look."""
        count, Counting.sent = Counting.sent, 0
        return count


@contextmanager
def counting(url: str) -> Iterator[CountingRedis]:
    """Make such a client.

    Args:
        url: Of the server.

    Yields:
        The client, with a count of 0.
    """
    client = CountingRedis.from_pool(ConnectionPool.from_url(url, connection_class=Counting))
    with client:
        connect_both(client)
        Counting.sent = 0
        yield client
