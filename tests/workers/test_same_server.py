"""A client of the other kind for the same server: blocking, or for asyncio."""

import pytest
import redis
import redis.asyncio
from redis.asyncio.sentinel import Sentinel

from workers import InvalidOption
from workers.connection import atwin, twin


def told(client: redis.Redis | redis.asyncio.Redis, *names: str) -> list[object]:
    return [client.connection_pool.connection_kwargs.get(name) for name in names]


def test_a_twin_has_the_server_the_database_and_the_login() -> None:
    names = ("host", "port", "db", "username", "password")
    client = redis.asyncio.Redis.from_url("redis://me:secret@redis.example:7000/3")

    assert told(twin(client), *names) == ["redis.example", 7000, 3, "me", "secret"]
    assert told(atwin(twin(client)), *names) == told(client, *names)


def test_a_twin_of_a_socket_has_the_socket() -> None:
    client = redis.asyncio.Redis(unix_socket_path="/run/redis.sock")

    assert told(twin(client), "path") == ["/run/redis.sock"]


def test_a_twin_never_drops_tls() -> None:
    url = "rediss://redis.example?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required"
    made = twin(redis.asyncio.Redis.from_url(url))

    assert made.connection_pool.connection_class is redis.SSLConnection
    assert told(made, "ssl_ca_certs") == ["/ca.pem"]
    back = atwin(made)
    assert back.connection_pool.connection_class is redis.asyncio.SSLConnection


def test_what_a_client_takes_for_granted_its_twin_does_too() -> None:
    assert told(twin(redis.asyncio.Redis.from_url("redis://")), "host") == ["localhost"]


def test_a_client_that_asks_sentinel_has_no_twin() -> None:
    client = Sentinel([("sentinel.example", 26379)]).master_for("main")

    with pytest.raises(InvalidOption) as error:
        twin(client)
    assert error.value.field == "connection"
