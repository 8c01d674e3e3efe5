"""An idle child sleeps until a job, a pause or the end of one reaches Redis."""

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from rq import Queue

from postroom.address import free_port
from tests.workers.engine.bells import LISTS, LONG, PAUSES, begin, lines, server, took
from workers.engine.bell import Bell


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


def test_a_stock_enqueue_wakes_it(redis, bell):
    waiting = begin(bell, redis)

    Queue("queue70", connection=redis).enqueue(print)

    assert waiting.result(LONG / 2)


def test_it_wakes_within_50_ms(redis, bell):
    times = []
    for number in range(12):
        waiting = begin(bell, redis)
        times.append(took(lambda: (redis.rpush(LISTS[number], "job"), waiting.result(LONG))))  # noqa: B023
        redis.delete(LISTS[number])

    assert sorted(times)[len(times) // 2] < 0.05


def test_a_list_that_exists_is_reported_at_once(redis, bell):
    redis.rpush(LISTS[89], "job")

    assert took(lambda: bell.wait(LISTS, seconds=LONG)) < LONG / 2
    assert bell.wait(LISTS, seconds=LONG)


def test_an_idle_wait_costs_one_command_on_90_lists(redis, bell):
    bell.wait(LISTS, [PAUSES], seconds=0)
    bell.wait(LISTS, [PAUSES], seconds=0.3)  # the new name is looked at a last time
    before = redis.info("stats")["total_commands_processed"]

    assert not bell.wait(LISTS, [PAUSES], seconds=1.5)
    after = redis.info("stats")["total_commands_processed"]

    assert after - before == 2  # the EXISTS, and one of the two INFO


def test_a_push_between_the_empty_lease_and_the_wait_is_seen(redis, bell):
    bell.wait(LISTS, seconds=0)
    redis.rpush(LISTS[3], "job")

    assert bell.wait(LISTS, seconds=LONG)


def test_what_was_pushed_and_taken_before_the_wait_does_not_wake_it(redis, bell):
    bell.wait(LISTS, seconds=0)
    redis.rpush(LISTS[3], "job")
    redis.delete(LISTS[3])

    assert not bell.wait(LISTS, seconds=0.2)


def test_no_push_is_lost_while_a_producer_and_the_bell_race(redis, bell):
    """Each wait meets a push at another moment: before, during and after its question."""
    rounds = 150

    def produce() -> None:
        for number in range(rounds):
            while redis.llen("taken") < number:
                time.sleep(0)
            redis.rpush(LISTS[number % 90], "job")

    producer = threading.Thread(target=produce)
    producer.start()
    slowest = 0.0
    for number in range(rounds):
        while not redis.delete(LISTS[number % 90]):
            slowest = max(slowest, took(lambda: bell.wait(LISTS, seconds=LONG)))
        redis.rpush("taken", "job")
    producer.join()

    assert slowest < LONG / 2


def test_a_change_of_a_watched_key_wakes_it_whatever_it_holds(redis, bell):
    redis.hset(PAUSES, "queue1", "by hand")
    bell.wait(LISTS, [PAUSES], seconds=0)
    bell.wait(LISTS, [PAUSES], seconds=0.3)
    assert not bell.wait(LISTS, [PAUSES], seconds=0.1)
    waiting = begin(bell, redis, LISTS, [PAUSES])

    redis.hdel(PAUSES, "queue1")

    assert waiting.result(LONG / 2)


def test_a_change_before_the_wait_is_not_missed(redis, bell):
    for _ in range(3):
        assert bell.wait((), [PAUSES], seconds=0.3) or not redis.exists(PAUSES)
    redis.hset(PAUSES, "queue1", "by hand")

    assert bell.wait((), [PAUSES], seconds=LONG)


def test_a_key_that_is_written_all_the_time_wakes_it_four_times_a_second(redis, bell):
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.002):
            redis.rpush(LISTS[0], "job")

    writer = threading.Thread(target=write)
    writer.start()
    until, woken = time.monotonic() + 1.5, 0
    while time.monotonic() < until:
        woken += bell.wait(LISTS[1:], [LISTS[0]], seconds=1)
    over.set()
    writer.join()

    assert 2 <= woken <= 8


def test_a_flushed_database_wakes_who_watches_a_key(tmp_path):
    with server(tmp_path, free_port()) as own, contextlib.closing(Bell(own)) as bell:
        own.hset(PAUSES, "queue1", "by hand")
        bell.wait(LISTS, [PAUSES], seconds=0)
        bell.wait(LISTS, [PAUSES], seconds=0.3)
        waiting = begin(bell, own, LISTS, [PAUSES])

        own.flushall()

        assert waiting.result(LONG / 2)


def test_close_gives_the_connection_back(redis, bell, eventually):
    bell.wait(LISTS, seconds=0)
    assert len(lines(redis)) == 1

    bell.close()

    eventually(lambda: not lines(redis))
