"""Nothing that happens to the bell's connection loses a job or ends the child."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import ConnectionPool, Redis
from redis._parsers import _RESP3Parser
from redis.sentinel import Sentinel

from postroom.address import free_port
from tests.workers.engine.bells import (
    LISTS,
    LONG,
    PAUSES,
    Proxy,
    asked,
    begin,
    lines,
    port_of,
    server,
    took,
)
from workers.engine.bell import Bell

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def _own(tmp_path_factory) -> Iterator[Redis]:
    """A server whose commands and connections nobody else counts."""
    with server(tmp_path_factory.mktemp("server"), free_port()) as client:
        yield client


@pytest.fixture
def redis(_own: Redis) -> Redis:
    _own.flushall()
    return _own


@pytest.fixture
def bell(redis: Redis) -> Iterator[Bell]:
    with contextlib.closing(Bell(redis)) as made:
        yield made


@pytest.fixture
def proxy(redis: Redis) -> Iterator[Proxy]:
    made = Proxy(port_of(redis))
    yield made
    made.close()


@pytest.fixture(params=["hiredis", "python"])
def through_proxy(request, proxy: Proxy) -> Iterator[Bell]:
    parser = {"parser_class": _RESP3Parser} if request.param == "python" else {}
    pool = ConnectionPool(port=proxy.port, **parser)
    with contextlib.closing(Bell(Redis(connection_pool=pool))) as made:
        yield made


def test_a_push_that_arrives_together_with_the_answer_wakes_it(
    redis, through_proxy, proxy, eventually
):
    through_proxy.wait(LISTS, seconds=0)
    proxy.holds = True
    waiting = begin(through_proxy, redis)
    redis.rpush(LISTS[1], "job")
    eventually(lambda: b"invalidate" in proxy.held and LISTS[1].encode() in proxy.held)

    assert proxy.held.startswith(b":0\r\n>")
    proxy.release()
    assert waiting.result(LONG / 2)


def test_a_push_that_overtakes_the_answer_is_no_reason_to_look_twice(
    redis, through_proxy, proxy, eventually
):
    through_proxy.wait(LISTS, seconds=0)
    redis.rpush(LISTS[1], "job")
    redis.delete(LISTS[1])
    proxy.holds = True
    waiting = begin(through_proxy, redis, seconds=0.5)
    eventually(lambda: b":0\r\n" in proxy.held)
    proxy.release()

    assert not waiting.result(LONG)


def test_a_push_that_arrives_byte_by_byte_wakes_it(redis, through_proxy, proxy):
    proxy.drips = True
    waiting = begin(through_proxy, redis)

    redis.rpush(LISTS[1], "job")

    assert waiting.result(LONG / 2)


def test_a_cut_connection_makes_the_child_look_and_the_next_push_wakes_it(redis, bell):
    bell.wait(LISTS, seconds=0.3)
    waiting = begin(bell, redis)
    for line in lines(redis):
        redis.client_kill_filter(_id=line)
    assert waiting.result(LONG / 2)

    waiting = begin(bell, redis)
    redis.rpush(LISTS[5], "job")

    assert waiting.result(LONG / 2)


def test_a_restarted_server_is_waited_for_without_an_error(tmp_path):
    port = free_port()
    with server(tmp_path, port) as own:
        bell = Bell(own)
        waiting = begin(bell, own)
    assert waiting.result(LONG / 2)
    assert all(bell.wait(LISTS, seconds=LONG) for _ in range(4))
    assert 0.2 < took(lambda: bell.wait(LISTS, seconds=LONG)) < LONG / 2
    assert took(lambda: bell.wait(LISTS, seconds=0)) < 0.2

    with server(tmp_path, port) as own, contextlib.closing(bell):
        waiting = begin(bell, own)
        own.rpush(LISTS[5], "job")
        assert waiting.result(LONG / 2)
        assert len(lines(own)) == 1


class Interrupted(Exception):
    """What a signal's handler raises here."""


@pytest.mark.parametrize("holds", [False, True], ids=["listening", "before the answer"])
def test_a_signal_handler_may_raise_and_the_next_wait_works(redis, through_proxy, proxy, holds):
    def interrupt(*_: object) -> None:
        raise Interrupted

    through_proxy.wait(LISTS, seconds=0)
    proxy.holds = holds
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(Interrupted):
            through_proxy.wait(LISTS, seconds=LONG)
    finally:
        signal.signal(signal.SIGUSR1, before)
    proxy.holds = False

    waiting = begin(through_proxy, redis)
    redis.rpush(LISTS[5], "job")
    assert waiting.result(LONG / 2)


FORKS = """
import os, sys
from redis import Redis
from workers.engine.bell import Bell

client = Redis(port=int(sys.argv[1]))
bell = Bell(client)
bell.wait(sys.argv[2:], seconds=0)
child = os.fork()
if child == 0:
    os.write(1, f"child {bell.wait(sys.argv[2:], seconds=8)}\\n".encode())
    os._exit(0)
os.write(1, f"parent {bell.wait(sys.argv[2:], seconds=8)}\\n".encode())
sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_forked_child_and_its_parent_are_both_woken(redis, eventually):
    before = asked(redis)
    command = [sys.executable, "-c", FORKS, str(port_of(redis)), *LISTS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        eventually(lambda: len(lines(redis)) == 2)
        eventually(lambda: asked(redis) == before + 3)
        redis.rpush(LISTS[5], "job")
        told, _ = process.communicate(timeout=LONG)

    assert sorted(told.splitlines()) == ["child True", "parent True"]
    assert process.returncode == 0


def limited(client: Redis, *rules: str) -> Redis:
    client.execute_command("ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", *rules)
    port = port_of(client)
    return Redis(port=port, protocol=2, username="limited", password="secret", client_name="idle")


def test_a_login_and_a_name_are_taken_over(tmp_path):
    with server(tmp_path, free_port()) as own, contextlib.closing(Bell(limited(own))) as bell:
        waiting = begin(bell, own)
        line = next(each for each in own.client_list() if "t" in each["flags"])
        own.rpush(LISTS[5], "job")

        assert (line["user"], line["name"], line["resp"]) == ("limited", "idle", "3")
        assert waiting.result(LONG / 2)


@pytest.mark.parametrize(
    ("rule", "options"),
    [("-client|tracking", ()), ("+hello", ("--rename-command", "HELLO", ""))],
    ids=["user without the right", "server without RESP3"],
)
def test_where_nobody_tracks_it_polls_and_says_so_once(tmp_path, caplog, rule, options):
    with (
        server(tmp_path, free_port(), *options) as own,
        contextlib.closing(Bell(limited(own, rule))) as bell,
        caplog.at_level(logging.WARNING, "postroom.bell"),
    ):
        assert not bell.wait(LISTS, seconds=0.3)
        waiting = begin(bell, own)
        own.rpush(LISTS[5], "job")

        assert waiting.result(LONG / 2)
        assert bell.wait([], [PAUSES], seconds=0.1)  # EXISTS cannot show a change
        assert not lines(own)

    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert "client|tracking" in warnings[0]


@pytest.mark.drill
def test_polling_grows_rarer(tmp_path):
    with server(tmp_path, free_port()) as own:
        bell = Bell(limited(own, "-client|tracking"))
        counts = []
        for _ in range(3):
            before = asked(own)
            bell.wait(LISTS, seconds=0.7)
            counts.append(asked(own) - before)

    assert counts[0] > 2 * counts[2]
    assert counts[2] <= 6


@pytest.mark.parametrize(
    ("idle_seconds", "pause"), [(0, 0.02), (0.2, 0.02), (2.5, 0.25), (5, 0.5), (3600, 0.5)]
)
def test_the_pause_between_two_polls_is_a_tenth_of_the_idle_time(redis, idle_seconds, pause):
    polling = Bell(redis)._polling
    polling._idle_since = 1000.0

    assert polling._pause(1000.0 + idle_seconds) == pytest.approx(pause)


def test_without_room_for_another_connection_the_child_looks_four_times_a_second(tmp_path):
    with server(tmp_path, free_port(), "--maxclients", "1") as own:
        own.ping()
        bell = Bell(own)
        until, looks = time.monotonic() + 1, 0
        while time.monotonic() < until:
            assert bell.wait(LISTS, seconds=LONG)
            looks += 1

    assert looks <= 5


def test_a_unix_socket_and_a_sentinel_lead_to_the_server_too(tmp_path):
    port, sentinel_port = free_port(), free_port()
    path = tmp_path / "socket"
    config = tmp_path / "sentinel.conf"
    config.write_text(f"sentinel monitor main 127.0.0.1 {port} 1\n", encoding="utf-8")
    with (
        server(tmp_path, port, "--unixsocket", str(path)) as own,
        server(tmp_path, sentinel_port, str(config), "--sentinel"),
    ):
        sentinel = Sentinel([("127.0.0.1", sentinel_port)], socket_timeout=5)
        for client in (Redis(unix_socket_path=str(path)), sentinel.master_for("main")):
            own.flushall()
            with contextlib.closing(Bell(client)) as bell:
                waiting = begin(bell, own)
                own.rpush(LISTS[5], "job")
                assert waiting.result(LONG / 2)
                assert len(lines(own)) == 1
