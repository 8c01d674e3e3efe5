"""How jobs get into a worker's hands: leased for a while, in the order of the lists, when due."""

import threading
import time

import pytest
from rq.scheduler import RQScheduler

from tests.workers.conftest import message
from tests.workers.takers import Taker, shown_as_started
from workers import enqueue, keys
from workers.engine.due import Due
from workers.engine.recovery import reap

# --- leases ----------------------------------------------------------------------------------


def waiting(redis):
    return [entry.decode() for entry in redis.lrange(keys.queue("default"), 0, -1)]


def queues_taken(taker, jobs, *, at_once=1):
    """The lists of the next jobs, in the order in which they were leased."""
    steps = range(jobs // at_once)
    return [lease.list_name for _ in steps for lease in taker.lease(at_once)]


def test_a_leased_job_is_held_and_shown_until_it_is_given_back(redis):
    first, later = (enqueue(message(), connection=redis) for _ in range(2))
    taker = Taker(redis)

    leases = taker.lease()

    assert [lease.job_id for lease in leases] == [first.id]
    assert leases[0].fields[b"status"] == b"queued"
    assert taker.held() == shown_as_started(redis) == [first.id]
    assert redis.zscore(keys.holders(), taker.holder) > time.time() * 1000
    assert waiting(redis) == [later.id]

    assert taker.leases.hand_back(leases) == 1

    assert taker.held() == shown_as_started(redis) == []
    assert waiting(redis) == [first.id, later.id]


def test_a_job_is_in_a_place_that_somebody_looks_at_at_every_moment(redis):
    handle = enqueue(message(), connection=redis)
    gone, over = [], threading.Event()
    watching = threading.Thread(target=watch, args=(redis, handle.id, gone, over))
    watching.start()
    try:
        for _ in range(200):
            taker = Taker(redis)
            taker.leases.hand_back(taker.lease())
    finally:
        over.set()
        watching.join()

    assert gone == []


def watch(redis, job_id, gone, over):
    looking = redis.register_script(
        "local list = redis.call('LPOS', KEYS[1], ARGV[1])"
        "local run = redis.call('ZRANGE', KEYS[2], 0, -1)[1]"
        "return {list and 1 or 0, run or ''}"
    )
    while not over.is_set():
        places = looking(keys=[keys.queue("default"), keys.started("default")], args=[job_id])
        if not any(places):
            gone.append(places)


def test_a_job_that_was_taken_over_is_no_longer_the_first_holders(redis):
    handle = enqueue(message(), connection=redis)
    slow, other = Taker(redis), Taker(redis)
    leases = slow.lease()
    slow.vanish()

    assert reap(other.leases) == 1

    assert slow.leases.hand_back(leases) == 0
    assert not slow.leases.holds(leases[0])
    assert slow.held() == other.held() == shown_as_started(redis) == []
    assert handle.status() == "scheduled"  # it may be what killed its process


# --- the order -------------------------------------------------------------------------------


def test_the_order_of_the_queues_is_kept_unless_asked_otherwise(redis):
    for queue in ("b", "a", "b", "a"):
        enqueue(message(), connection=redis, queue=queue)

    assert queues_taken(Taker(redis, "a", "b"), 4) == ["a", "a", "b", "b"]


def test_round_robin_takes_turns(redis):
    for queue in ("a", "a", "b", "b"):
        enqueue(message(), connection=redis, queue=queue)

    assert queues_taken(Taker(redis, "a", "b", strategy="round_robin"), 4) == ["a", "b", "a", "b"]


def test_random_takes_from_every_queue(redis):
    for queue in ("a", "b"):
        for _ in range(20):
            enqueue(message(), connection=redis, queue=queue)

    assert set(queues_taken(Taker(redis, "a", "b", strategy="random"), 20)) == {"a", "b"}


@pytest.mark.parametrize("at_once", [1, 5, 20, 100])
def test_with_all_lists_full_each_gets_its_share_however_many_are_leased_at_once(redis, at_once):
    for priority in ("high", "normal", "low"):
        for _ in range(100):
            enqueue(message(), connection=redis, priority=priority)

    taken = queues_taken(Taker(redis), 100, at_once=at_once)

    lists = ("default:high", "default", "default:low")
    assert [taken.count(name) for name in lists] == [60, 30, 10]


def test_within_a_batch_the_urgent_come_first(redis):
    for priority in ("low", "normal", "high"):
        for _ in range(10):
            enqueue(message(), connection=redis, priority=priority)

    taken = queues_taken(Taker(redis), 10, at_once=10)

    assert taken == ["default:high"] * 6 + ["default"] * 3 + ["default:low"]


def test_turns_that_a_short_list_does_not_need_go_to_the_others(redis):
    for _ in range(10):
        enqueue(message(), connection=redis, priority="low")

    assert queues_taken(Taker(redis), 10, at_once=10) == ["default:low"] * 10


# --- due jobs --------------------------------------------------------------------------------


def test_due_jobs_are_moved_and_others_stay(redis):
    due, later = (enqueue(message(), connection=redis, delay=60) for _ in range(2))
    redis.zadd(keys.scheduled("default"), {due.id: 1})

    assert Due(["default"], redis).promote() == 1
    assert (due.status(), later.status()) == ("queued", "scheduled")
    assert waiting(redis) == [due.id]


def test_due_jobs_are_left_to_a_stock_scheduler_that_is_alive(redis):
    handle = enqueue(message(), connection=redis, delay=60)
    redis.zadd(keys.scheduled("default"), {handle.id: 1})
    redis.set(keys.scheduler_lock("default"), "a stock scheduler", ex=60)

    assert Due(["default"], redis).promote() == 0


def test_the_lock_that_is_looked_at_is_the_one_rq_takes():
    assert RQScheduler.get_locking_key("default") == keys.scheduler_lock("default")
