"""What consumers leave is claimed by others, and what a living one has is never stolen."""

import pytest
from redis import Redis

from tests.workers.streams.places import own
from tests.workers.streams.readers import Consumer, consumers_of, pending
from workers import stream_keys
from workers.streams import consumers
from workers.streams.entry import Entry
from workers.streams.hands import NOBODY

pytestmark = pytest.mark.usefixtures("handled")


def test_entries_of_a_dead_consumer_are_claimed_by_another(redis, handled, stream, fill) -> None:
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
    assert not redis.exists(stream_keys.orphaned("workers"))


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


def lose(redis: Redis, consumer: Consumer) -> None:
    """Let it die with its worker."""
    consumer.vanish()
    consumers.reap("workers", connection=redis)


def lose_all_twice(redis: Redis, count: int) -> None:
    for _ in range(2):
        lost = Consumer(redis)
        assert len(lost.take(count)) == count
        lose(redis, lost)


def test_of_what_was_lost_again_and_again_only_what_is_begun_counts(redis, stream, fill) -> None:
    fill(10)
    lose_all_twice(redis, 10)
    dying = Consumer(redis)
    taken = dying.take()
    assert [entry.is_suspect for entry in taken] == [True] * 10
    assert {lost for _, lost in pending(redis, stream).values()} == {2}

    dying.lane.admit(taken[0], dying.last)
    lose(redis, dying)

    begun, *others = (lost for _, lost in pending(redis, stream).values())
    assert (begun, {*others}) == (3, {2})
    heir = Consumer(redis)
    assert [entry.lost for entry in heir.take()] == [3, *[2] * 9]


def test_a_suspect_that_is_handed_back_stays_as_suspect_as_it_was(redis, stream, fill) -> None:
    fill(3)
    lose_all_twice(redis, 3)
    leaving = Consumer(redis)
    leaving.hand_back(*leaving.take())

    assert {count for _, count in pending(redis, stream).values()} == {2}


def test_a_suspect_that_somebody_else_has_is_not_begun(redis, stream, fill) -> None:
    fill(1)
    lose_all_twice(redis, 1)
    late, heir = Consumer(redis), Consumer(redis)
    (entry,) = late.take()
    lose(redis, late)
    heir.take()

    assert late.lane.admit(entry, late.last) is None
    assert {*pending(redis, stream).values()} == {(heir.consumer, 2)}


def test_suspects_and_others_are_never_claimed_together(redis, fill) -> None:
    fill(20)
    lose_all_twice(redis, 10)
    dead = Consumer(redis)
    assert len(dead.take(10)) == 10
    new = [entry.job_id for entry in dead.take(10)]
    lose(redis, dead)
    heir = Consumer(redis)
    suspects, others = heir.take(), heir.take()

    assert [entry.is_suspect for entry in suspects] == [True] * 10
    assert [entry.job_id for entry in others] == new


def test_each_suspect_starts_when_all_before_it_is_committed(redis, stream, fill, handled) -> None:
    fill(4)
    lose_all_twice(redis, 4)
    heir = Consumer(redis)
    heir.take(0)
    waiting: list[int] = []
    begin = heir.streams.leases.begin

    def note(entry: Entry) -> bool:
        waiting.append(len(pending(redis, stream)))
        return begin(entry)

    heir.streams.leases.begin = note  # type: ignore[method-assign]
    heir.work()

    assert waiting == [4, 3, 2, 1]
    assert len(handled) == 4


def test_dead_consumers_without_entries_are_removed_many_at_a_time(redis, stream, fill) -> None:
    fill(1)
    Consumer(redis).run_all()
    names = [f"idle-{number}" for number in range(250)]
    with redis.pipeline() as pipe:
        for name in names:
            pipe.xgroup_createconsumer(stream, "workers", name)
            pipe.zadd(stream_keys.consumers("workers"), {name: 1})
            pipe.sadd(stream_keys.consumes("workers", name), stream)
        pipe.execute()
    while consumers.reap("workers", connection=redis)[0]:
        pass

    assert not {name for name in consumers_of(redis, stream) if name.startswith("idle")}
    assert not redis.keys(stream_keys.consumes("workers", "idle-*"))


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


def leave(redis, *dead: Consumer) -> None:
    """Let consumers die, one after the other, with what they have in hand."""
    for at, each in enumerate(dead):
        each.vanish()
        consumers.reap("workers", connection=redis)
        redis.zadd(stream_keys.orphaned("workers"), {each.consumer: at + 1})


def test_what_was_left_first_is_claimed_first(redis, fill) -> None:
    fill(60)
    dead = [Consumer(redis) for _ in range(20)]
    had = [[entry.job_id for entry in each.take(3)] for each in dead]
    leave(redis, *reversed(dead))
    heir = Consumer(redis)
    taken = [[entry.job_id for entry in heir.take(3)] for _ in dead]

    assert taken == [*reversed(had)]


def test_who_died_first_is_first_though_it_was_noticed_later(redis, fill) -> None:
    fill(2)
    early, late = Consumer(redis), Consumer(redis)
    had = [each.take(1)[0].job_id for each in (early, late)]
    # A child is missed at once, and one that died with its worker when its time is up.
    consumers.leave("workers", [late.consumer], connection=redis)
    lose(redis, early)
    heir = Consumer(redis)

    assert [heir.take(1)[0].job_id for _ in had] == had


def test_what_was_left_in_streams_that_nobody_serves_is_in_no_ones_way(redis, fill) -> None:
    elsewhere = own("elsewhere")
    fill(12, stream=elsewhere)
    fill(2)
    dead = [*(Consumer(redis, elsewhere) for _ in range(12)), Consumer(redis)]
    assert [len(each.take(1)) for each in dead] == [1] * 13
    leave(redis, *dead)
    heir = Consumer(redis)

    # It is met by chance, so not at the first look.
    assert sum(len(heir.take()) for _ in range(60)) == 2
