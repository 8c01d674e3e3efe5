"""How the living show that they live."""

import pytest

from tests.workers.takers import Taker
from workers import keys, stream_keys
from workers.streams.consumers import keep_alive


def test_the_living_are_seen_to_live_while_redis_is_full(redis, redis_server):
    if redis_server.origin == "given":
        pytest.skip("the limit of a server that the tests did not start is not theirs to change")
    leases = Taker(redis).leases
    redis.zadd(keys.holders(), {leases.holder: 1})
    redis.zadd(stream_keys.consumers("workers"), {"consumer-1": 1})
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", 1)
    try:
        leases.keep()
        keep_alive("workers", ["consumer-1"], seconds=15, connection=redis)
    finally:
        redis.config_set("maxmemory", "0")

    assert redis.zscore(keys.holders(), leases.holder) > 1
    assert redis.zscore(stream_keys.consumers("workers"), "consumer-1") > 1


def test_who_was_taken_over_does_not_come_back_by_a_sign_of_life(redis):
    leases = Taker(redis).leases

    leases.keep("another-1")

    assert redis.zcard(keys.holders()) == 0
