"""Who has an entry: read, run and acknowledged, and paused or asked for twice."""

import pytest

from messages import TestMessage
from tests.workers.conftest import message
from tests.workers.streams.places import entry_ids, own
from tests.workers.streams.readers import Consumer, pending
from workers import By, keys, pauses, publish, stream_keys
from workers.streams.delayed import promote

pytestmark = pytest.mark.usefixtures("handled")


# --- reading and acknowledging -------------------------------------------------------------------


def test_what_is_read_is_run_and_acknowledged_in_order(redis, handled, stream, fill) -> None:
    sent = fill(25)
    consumer = Consumer(redis)

    assert consumer.run_all() == 25
    assert handled == sent
    assert pending(redis, stream) == {}


def test_an_entry_is_pending_until_its_effect_is_there(redis, stream, fill) -> None:
    fill(1)
    consumer = Consumer(redis)
    (entry,) = consumer.take()
    assert pending(redis, stream) == {entry.execution: (consumer.consumer, 1)}

    consumer.run_one(entry)
    consumer.step(0)

    assert pending(redis, stream) == {}


def test_two_consumers_share_a_stream(redis, fill) -> None:
    sent = fill(20)
    one, other = Consumer(redis), Consumer(redis)
    taken = [*one.take(10), *other.take(10)]

    assert [entry.job_id for entry in taken] == sent


def test_each_group_gets_every_entry(redis, fill) -> None:
    fill(5)
    for group in ("workers", "auditors"):
        assert Consumer(redis, group=group).run_all() == 5


def test_a_group_begins_with_the_first_entry(redis, stream, fill) -> None:
    fill(3)
    assert Consumer(redis).run_all() == 3
    fill(2)
    assert Consumer(redis, group="late").run_all() == 5


def test_a_stream_that_is_made_later_is_found(redis, fill) -> None:
    consumer = Consumer(redis)
    assert not consumer.take()

    publish(message().model_copy(update={"metadata": {"tenant": "7"}}), connection=redis)

    assert consumer.run_all() == 1


def test_a_stream_outside_the_patterns_is_left_alone(redis, fill) -> None:
    fill(1, stream=own("elsewhere"))

    assert Consumer(redis).run_all() == 0


# --- what is lost on the way ---------------------------------------------------------------------


def test_a_step_whose_answer_was_lost_gives_the_same_entries_again(redis, fill) -> None:
    sent = fill(3)
    consumer = Consumer(redis)
    leases = consumer.streams.leases
    turns = consumer.streams.served.next(10)
    number = leases.next_number()
    first = leases.step(number, 10, (), turns)
    leases._held.clear()  # the answer did not arrive

    again = leases.step(number, 10, (), turns)

    assert [entry.job_id for entry in again.leased] == sent
    assert again.state == "repeated"
    assert len(first.leased) == 3


def test_a_repeated_step_does_not_give_what_is_in_hand(redis, fill) -> None:
    fill(3)
    consumer = Consumer(redis)
    consumer.take(2)
    leases, turns = consumer.streams.leases, consumer.streams.served.next(10)
    number = leases.next_number()
    leases.step(number, 10, (), turns)

    assert leases.step(number, 10, (), turns).leased == []


# --- pauses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what", [("queue", own("plain")), ("type", "TEST")], ids=("stream", "type")
)
def test_a_paused_stream_or_type_waits_until_it_is_resumed(redis, handled, fill, what) -> None:
    fill(2)
    by = By("ann", "a test")
    pauses.pause(*what, by=by, connection=redis)
    consumer = Consumer(redis)
    consumer.run_all()
    assert handled == []

    pauses.resume(*what, by=by, connection=redis)
    for member in redis.zrange(stream_keys.delayed(), 0, -1):  # looked at again some seconds later
        redis.zadd(stream_keys.delayed(), {member: 0})
    promote(connection=redis)
    consumer.run_all()

    assert len(handled) == 2


def test_a_paused_tenants_streams_wait(redis) -> None:
    for tenant in ("1", "2"):
        sent = message().model_copy(update={"metadata": {"tenant": tenant}})
        publish(sent, connection=redis)
    pauses.pause("tenant", "1", by=By("ann", "a test"), connection=redis)

    assert Consumer(redis).run_all() == 1


def test_nothing_starts_while_everything_is_suspended(redis, fill) -> None:
    fill(2)
    redis.set(keys.suspended(), "1")
    consumer = Consumer(redis)
    assert consumer.run_all() == 0

    redis.delete(keys.suspended())
    assert consumer.run_all() == 2


# --- fairness ------------------------------------------------------------------------------------


def tenants_message(tenant: str) -> TestMessage:
    return message().model_copy(update={"metadata": {"tenant": tenant}})


def test_a_tenant_with_much_does_not_keep_the_others_waiting(redis) -> None:
    for tenant, count in (("big", 200), ("small", 3), ("other", 3)):
        for _ in range(count):
            publish(tenants_message(tenant), connection=redis)
    consumer = Consumer(redis)
    first = [entry.list_name for step in range(3) for entry in consumer.take(12)]

    assert {own("jobs:guild:small:test_message"), own("jobs:guild:other:test_message")} <= set(
        first
    )


def test_low_does_not_starve_and_high_goes_first(redis, stream) -> None:
    for priority in ("low", "normal", "high"):
        for _ in range(300):
            publish(message(), stream=stream, priority=priority, connection=redis)
    consumer = Consumer(redis)
    taken = [entry.list_name for _ in range(10) for entry in consumer.take(30)]

    assert taken.count(f"{stream}:low") >= 0.08 * len(taken)
    assert taken.count(f"{stream}:high") > taken.count(stream) > taken.count(f"{stream}:low")


def test_a_limit_of_a_tenant_holds_over_all_consumers(redis) -> None:
    for _ in range(10):
        publish(tenants_message("big"), connection=redis)
    publish(tenants_message("small"), connection=redis)
    one, other = Consumer(redis, limit=3), Consumer(redis, limit=3)
    taken = [entry.list_name for each in (one, other) for entry in each.take(20)]

    assert taken.count(own("jobs:guild:big:test_message")) == 3
    assert taken.count(own("jobs:guild:small:test_message")) == 1


def test_a_limit_lets_the_next_start_when_one_is_done(redis) -> None:
    for _ in range(4):
        publish(tenants_message("big"), connection=redis)
    consumer = Consumer(redis, limit=1)

    assert [len(consumer.take()) for _ in range(2)] == [1, 0]
    assert entry_ids(redis, own("jobs:guild:big:test_message"))
