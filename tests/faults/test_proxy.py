"""The proxy sees every command and spoils the one that is meant."""

import pytest
from redis import ConnectionError as Unreachable
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.faults.proxy import Proxy, Rule, numbered, proxy_to, split


@pytest.fixture
def proxy(redis):
    with proxy_to(redis.connection_pool.connection_kwargs["port"]) as running:
        yield running


@pytest.fixture
def client(proxy):
    with Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
        client.ping()
        proxy.record.clear()
        yield client


def test_commands_of_a_pipeline_are_recorded_one_by_one(client, proxy):
    with client.pipeline(transaction=True) as pipe:
        pipe.set("a", b"*2\r\n$3\r\nno command\r\n")
        pipe.get("a")
        assert pipe.execute() == [True, b"*2\r\n$3\r\nno command\r\n"]

    assert [command.name for command in proxy.record] == ["MULTI", "SET", "GET", "EXEC"]
    assert list(numbered([*proxy.record, proxy.record[1]]))[-1] == ("SET", 2)


def test_half_a_command_waits_for_its_rest():
    whole = b"*1\r\n$4\r\nPING\r\n"

    frames, rest = split(whole + whole[:9])

    assert frames == [(whole, [b"PING"])]
    assert rest == whole[:9]


def test_a_command_that_is_stopped_before_never_reaches_the_server(client, proxy, redis):
    proxy.rules = [_second_incr("before")]
    client.incr("n")

    with pytest.raises(Unreachable):
        client.incr("n")

    assert redis.get("n") == b"1"


def test_a_command_that_is_stopped_after_has_run(client, proxy, redis):
    proxy.rules = [_second_incr("after")]
    client.incr("n")

    with pytest.raises(Unreachable):
        client.incr("n")

    assert redis.get("n") == b"2"
    assert client.incr("n") == 3


def test_a_rule_within_a_pipeline_keeps_what_comes_behind_from_the_server(client, proxy, redis):
    proxy.rules = [_second_incr("after")]
    pipe = client.pipeline(transaction=False).incr("n").incr("n").incr("n")

    with pytest.raises(Unreachable):
        pipe.execute()

    assert redis.get("n") == b"2"


def test_an_answer_that_breaks_off_is_no_answer(client, proxy, redis):
    rule = Rule(lambda command: command.name == "GET", part=0.5)
    proxy.rules = [rule]
    client.set("text", "x" * 1000)

    with pytest.raises(Unreachable):
        client.get("text")

    assert rule.fired.is_set()


def test_connections_are_refused_and_cut(client, proxy):
    proxy.refusing.set()
    proxy.cut()

    with pytest.raises(Unreachable):
        client.ping()

    proxy.refusing.clear()
    assert client.ping()


def _second_incr(when) -> Rule:
    return Rule(lambda command: command.name == "INCRBY", nth=2, when=when)


def test_the_act_is_done_while_the_client_waits(client, proxy):
    done = []
    proxy.rules = [Rule(lambda command: command.name == "PING", act=done.append)]

    with pytest.raises(Unreachable):
        client.ping()

    assert [command.name for command in done] == ["PING"]
    assert isinstance(proxy, Proxy)
