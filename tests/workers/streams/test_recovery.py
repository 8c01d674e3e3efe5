"""Four ways in which consumers of streams are known to go wrong, and how these do not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from redis import Redis

from messages import TestMessage
from tests.workers.conftest import message
from tests.workers.streams.places import own
from tests.workers.streams.readers import Consumer, pending
from workers import handles, publish
from workers.registry import separate_registry
from workers.streams import consumers

handled: list[str] = []


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    handled.clear()
    with separate_registry():

        @handles(TestMessage)
        def handle(given: TestMessage) -> None:
            handled.append(given.message_id)

        yield


def vanished(redis: Redis, *those: Consumer) -> None:
    for each in those:
        each.vanish()
    consumers.reap("workers", connection=redis)


def test_a_message_that_takes_35_minutes_is_not_delivered_again(redis, stream, fill) -> None:
    fill(1)
    slow = Consumer(redis)
    (entry,) = slow.take()
    # As if it had it for so long: by idle time alone it would be anybody's.
    redis.xclaim(stream, "workers", slow.consumer, 0, [entry.execution], idle=35 * 60_000)
    consumers.reap("workers", connection=redis)

    assert [Consumer(redis).run_all() for _ in range(3)] == [0, 0, 0]
    slow.run_one(entry)
    assert slow.step(0).refused == []
    assert len(handled) == 1
    assert pending(redis, stream) == {}


def test_consumers_that_claim_at_the_same_moment_run_no_message_twice(redis, fill) -> None:
    sent = fill(400)
    dead = Consumer(redis)
    dead.take(400)
    vanished(redis, dead)
    heirs = [Consumer(redis) for _ in range(8)]
    together = Barrier(len(heirs))

    def claim(heir: Consumer) -> list[str]:
        taken = []
        together.wait(10)
        while found := heir.take(10):
            taken += [entry.job_id for entry in found]
        return taken

    with ThreadPoolExecutor(len(heirs)) as pool:
        claimed = [list(found) for found in pool.map(claim, heirs)]

    assert sorted(job for found in claimed for job in found) == sorted(sent)
    assert sum(map(bool, claimed)) > 1, "one was so fast that nobody raced"


def test_streams_with_hash_tags_are_claimed_from_as_well(redis, monkeypatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", own("jobs:{{{guild_id}}}:{job_type}"))
    tenants = ["1", "2", "3"]
    for tenant in tenants:
        sent = message().model_copy(update={"metadata": {"tenant": tenant}})
        publish(sent, connection=redis)
    dead = Consumer(redis)
    assert {entry.list_name for entry in dead.take()} == {
        own(f"jobs:{{{tenant}}}:test_message") for tenant in tenants
    }
    vanished(redis, dead)

    assert Consumer(redis).run_all() == 3


def test_a_consumer_that_is_killed_while_it_claims_holds_up_nobody(redis, stream, fill) -> None:
    sent = fill(50)
    dead = Consumer(redis)
    dead.take()
    vanished(redis, dead)
    half = Consumer(redis)
    assert len(half.take(20)) == 20
    vanished(redis, half)  # nobody released anything

    heir = Consumer(redis)
    assert heir.run_all() == 50
    assert sorted(handled) == sorted(sent)
    heir.step(0)
    assert pending(redis, stream) == {}
