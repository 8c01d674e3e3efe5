"""The server in numbers: against what it says itself."""

import pytest
from redis import Redis

from monitoring.redis_server import get_redis
from postroom.address import free_port
from workers.connection import connect
from workers.errors import StorageUnavailable
from workers.settings import Settings


def test_a_server_tells_its_memory_its_clients_and_how_soon_it_answers(redis: Redis) -> None:
    found = get_redis(connection=redis)
    info = redis.info()

    assert found["version"] == info["redis_version"]
    assert found["memory"]["usedBytes"] == pytest.approx(info["used_memory"], rel=0.2)
    assert found["memory"]["policy"] == "noeviction"
    assert found["memory"]["limitBytes"] is None
    assert 1 <= found["clients"]["connected"] <= found["clients"]["most"]
    assert 0 < found["pingMs"] < 1_000


def test_a_server_that_may_remove_jobs_is_warned_of(own_server: Redis) -> None:
    before = get_redis(connection=own_server)["warnings"]
    own_server.config_set("maxmemory", 500_000_000)
    own_server.config_set("maxmemory-policy", "allkeys-lru")
    found = get_redis(connection=own_server)

    assert before == []
    assert (found["memory"]["limitBytes"], found["memory"]["policy"]) == (
        500_000_000,
        "allkeys-lru",
    )
    (warning,) = found["warnings"]
    assert (warning["code"], warning["severity"]) == ("eviction_policy", "critical")
    assert "CONFIG SET maxmemory-policy noeviction" in warning["remedy"]


def test_a_server_that_cannot_be_reached_is_an_error() -> None:
    with (
        connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")) as nowhere,
        pytest.raises(StorageUnavailable),
    ):
        get_redis(connection=nowhere)
