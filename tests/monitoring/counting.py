"""Counts the round trips of a client."""

from typing import Any

from redis import Connection, ConnectionPool, Redis
from typing_extensions import override

from monitoring.packing import command
from workers.wire import exchange


class Counting(Connection):
    """A connection; `sent` is how often something was sent on any of them."""

    sent = 0

    @override
    def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        Counting.sent += 1
        super().send_packed_command(*arguments, **options)


def connect_both(client: Redis) -> None:
    """Let a client connect as its own commands do, and as those do that are sent packed."""
    exchange(client, command("PING"), 1)
    client.ping()


def counting(url: str) -> Redis:
    """A client that is connected already and counts what it sends from now on."""
    client = Redis.from_pool(ConnectionPool.from_url(url, connection_class=Counting))
    connect_both(client)
    Counting.sent = 0
    return client
