import time
from urllib.parse import urlsplit

import pytest
from redis import Redis

from benchmarks.monitor import counted_commands
from benchmarks.proxy import counting_proxy
from workers import keys


@pytest.fixture
def port(redis_server) -> int:
    return urlsplit(redis_server.url).port


def test_a_pipeline_is_one_write_and_each_command_alone_is_another(port, redis) -> None:
    with counting_proxy(port) as proxy, Redis.from_url(proxy.url) as client:
        client.ping()
        before = proxy.writes

        with client.pipeline(transaction=False) as pipe:
            for number in range(5):
                pipe.set(keys.job(f"key-{number}"), "x" * 100)
            pipe.execute()
        client.get(keys.job("key-1"))
        client.get(keys.job("key-2"))

        assert proxy.writes - before == 3
    assert redis.get(keys.job("key-4")) == b"x" * 100


def test_what_a_script_calls_is_no_command_of_its_own(port, redis) -> None:
    with counted_commands(port) as counted:
        redis.set(keys.job("a"), "[0 lua] 1")
        redis.eval("for i = 1, 7 do redis.call('INCR', KEYS[1]) end", 1, keys.job("b"))
        redis.get(keys.job("a"))

    assert counted.commands == 3


def test_a_count_that_is_interrupted_ends_at_once(port, redis, eventually) -> None:
    began = time.monotonic()

    with pytest.raises(KeyboardInterrupt), counted_commands(port):
        raise KeyboardInterrupt

    assert time.monotonic() - began < 5
    eventually(lambda: "monitor" not in [client["cmd"] for client in redis.client_list()])
