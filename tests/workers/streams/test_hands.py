"""Who has an entry: read, acknowledged, handed back, claimed, and never stolen."""

from collections.abc import Iterator

import pytest

from messages import TestMessage
from tests.workers.conftest import message
from tests.workers.streams.places import entry_ids, own
from tests.workers.streams.readers import Consumer, consumers_of, pending
from workers import By, handles, keys, pauses, publish
from workers.registry import separate_registry
from workers.streams import consumers
from workers.streams.delayed import promote
from workers.streams.hands import NOBODY

handled: list[str] = []


@pytest.fixture(autouse=True)
def _own_handler() -> Iterator[None]:
    handled.clear()
    with separate_registry():
        handles(TestMessage)(lambda message: handled.append(message.message_id))
        yield


# --- reading and acknowledging -------------------------------------------------------------------


def test_what_is_read_is_run_and_acknowledged_in_order(redis, stream, fill) -> None:
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


# --- what consumers leave ------------------------------------------------------------------------


def test_entries_of_a_dead_consumer_are_claimed_by_another(redis, stream, fill) -> None:
    sent = fill(300)
    dead, heir = Consumer(redis), Consumer(redis)
    dead.take(300)
    dead.vanish()
    consumers.reap("workers", connection=redis)

    assert heir.run_all() == 300
    assert handled == sent
    assert dead.consumer not in consumers_of(redis, stream)


def test_a_consumer_that_lives_keeps_its_entries_however_long_it_takes(redis, stream, fill) -> None:
    fill(3)
    slow, idle = Consumer(redis), Consumer(redis)
    taken = slow.take()
    ids, an_hour = [entry.execution for entry in taken], 3_600_000
    redis.xclaim(stream, "workers", slow.consumer, 0, ids, idle=an_hour, retrycount=1, justid=True)
    consumers.reap("workers", connection=redis)

    assert idle.run_all() == 0
    assert {who for who, _ in pending(redis, stream).values()} == {slow.consumer}


def test_a_late_consumer_cannot_acknowledge_what_it_lost(redis, stream, fill) -> None:
    fill(2)
    late, heir = Consumer(redis), Consumer(redis)
    taken = late.take()
    for entry in taken:
        late.run_one(entry)
    late.vanish()
    consumers.reap("workers", connection=redis)
    heir.take()

    assert late.step(0).refused == [0, 1]
    assert {who for who, _ in pending(redis, stream).values()} == {heir.consumer}


def test_a_consumer_that_was_only_late_goes_on_with_what_nobody_claimed(redis, fill) -> None:
    fill(2)
    late = Consumer(redis)
    taken = late.take()
    late.vanish()
    consumers.reap("workers", connection=redis)
    for entry in taken:
        late.run_one(entry)

    assert late.step(0).refused == []
    assert not redis.smembers(keys.orphaned("workers"))


def test_what_somebody_else_claimed_by_hand_is_refused(redis, stream, fill) -> None:
    fill(1)
    consumer = Consumer(redis)
    (entry,) = consumer.take()
    redis.xclaim(stream, "workers", "a person", 0, [entry.execution])
    consumer.run_one(entry)

    assert consumer.step(0).refused == [0]


def test_handed_back_entries_go_to_the_next_who_asks_and_count_as_undelivered(
    redis, stream, fill
) -> None:
    fill(5)
    leaving, heir = Consumer(redis), Consumer(redis)
    leaving.hand_back(*leaving.take())
    assert {who for who, _ in pending(redis, stream).values()} == {NOBODY}

    taken = heir.take()

    assert [entry.lost for entry in taken] == [0] * 5
    assert {count for _, count in pending(redis, stream).values()} == {1}
    assert NOBODY not in consumers_of(redis, stream)


def test_many_racing_to_claim_share_what_there_is(redis, fill) -> None:
    fill(400)
    dead = Consumer(redis)
    dead.take(400)
    dead.vanish()
    consumers.reap("workers", connection=redis)
    heirs = [Consumer(redis) for _ in range(8)]
    taken = [entry.execution for heir in heirs for entry in heir.take(50)]

    assert len(taken) == len(set(taken)) == 400


def test_what_was_lost_again_and_again_is_claimed_alone(redis, fill) -> None:
    fill(10)
    for _ in range(2):
        lost = Consumer(redis)
        assert len(lost.take()) == 10
        lost.vanish()
        consumers.reap("workers", connection=redis)

    (entry,) = Consumer(redis).take()

    assert entry.is_suspect


def test_dead_consumers_without_entries_are_removed_many_at_a_time(redis, stream, fill) -> None:
    fill(1)
    Consumer(redis).run_all()
    names = [f"idle-{number}" for number in range(250)]
    with redis.pipeline() as pipe:
        for name in names:
            pipe.xgroup_createconsumer(stream, "workers", name)
            pipe.zadd(keys.consumers("workers"), {name: 1})
            pipe.sadd(keys.consumes("workers", name), stream)
        pipe.execute()
    while consumers.reap("workers", connection=redis)[0]:
        pass

    assert not {name for name in consumers_of(redis, stream) if name.startswith("idle")}
    assert not redis.keys(keys.consumes("workers", "idle-*"))


def test_what_was_trimmed_while_nobody_had_it_is_reported(redis, stream, fill, caplog) -> None:
    fill(4)
    dead, heir = Consumer(redis), Consumer(redis)
    dead.take()
    dead.vanish()
    consumers.reap("workers", connection=redis)
    redis.xtrim(stream, maxlen=1, approximate=False)

    assert heir.run_all() == 1
    assert pending(redis, stream) == {}
    assert "payload_trimmed" in caplog.text


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
    ("kind", "name"), [("queue", own("plain")), ("type", "TEST")], ids=("stream", "type")
)
def test_a_paused_stream_or_type_waits_until_it_is_resumed(redis, stream, fill, kind, name) -> None:
    fill(2)
    by = By("ann", "a test")
    pauses.pause(kind, name, by=by, connection=redis)
    consumer = Consumer(redis)
    consumer.run_all()
    assert handled == []

    pauses.resume(kind, name, by=by, connection=redis)
    for member in redis.zrange(keys.delayed(), 0, -1):  # looked at again some seconds later
        redis.zadd(keys.delayed(), {member: 0})
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
