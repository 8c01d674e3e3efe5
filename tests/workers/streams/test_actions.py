"""What a person, or a program that is no worker, does to streams."""

import asyncio

import pytest

from tests.workers.conftest import message
from tests.workers.streams.places import own
from tests.workers.streams.readers import Consumer, consumers_of, pending
from workers import By, InvalidOption, InvalidState, audit, stream_keys
from workers.errors import ReadOnlyClient, StreamNotFound
from workers.streams import StreamClient, actions
from workers.streams.hands import NOBODY

BY = By("ann", "a test")


@pytest.fixture
def foreign(redis, stream, fill) -> str:
    """A consumer of others, which gives no sign of life, with three entries in hand."""
    fill(3)
    redis.xgroup_create(stream, "workers", "0")
    redis.xreadgroup("workers", "rusty", {stream: ">"})
    return "rusty"


def test_entries_of_a_foreign_consumer_are_given_to_whoever_asks(redis, stream, foreign) -> None:
    count = actions.claim(stream, group="workers", consumer=foreign, by=BY, connection=redis)
    assert count == 3
    assert {who for who, _ in pending(redis, stream).values()} == {NOBODY}

    assert len(Consumer(redis).take()) == 3


@pytest.mark.usefixtures("foreign")
def test_only_what_nobody_touched_for_long_enough(redis, stream) -> None:
    assert actions.claim(stream, group="workers", idle=60, by=BY, connection=redis) == 0
    assert actions.claim(stream, group="workers", idle=0, by=BY, connection=redis) == 3


def test_a_living_consumer_keeps_its_entries_whatever_a_person_says(redis, stream, fill) -> None:
    fill(2)
    living = Consumer(redis)
    living.take()
    name = living.consumer

    assert actions.claim(stream, group="workers", idle=0, by=BY, connection=redis) == 0
    for action in (
        lambda: actions.claim(stream, group="workers", consumer=name, by=BY, connection=redis),
        lambda: actions.delete_consumer(stream, name, group="workers", by=BY, connection=redis),
    ):
        with pytest.raises(InvalidState, match="is alive"):
            action()


def test_a_consumer_that_is_removed_leaves_its_entries_to_the_others(
    redis, stream, foreign
) -> None:
    count = actions.delete_consumer(stream, foreign, group="workers", by=BY, connection=redis)

    assert count == 3
    assert foreign not in consumers_of(redis, stream)
    assert len(Consumer(redis).take()) == 3


@pytest.mark.parametrize(
    "place", [("nowhere", "workers", "rusty"), ("plain", "x", "rusty"), ("plain", "workers", "x")]
)
@pytest.mark.usefixtures("foreign")
def test_what_does_not_exist_is_named(redis, place) -> None:
    stream, group, consumer = place
    with pytest.raises(StreamNotFound):
        actions.claim(own(stream), group=group, consumer=consumer, by=BY, connection=redis)


def test_a_claim_needs_a_name_or_a_time(redis, stream) -> None:
    with pytest.raises(InvalidOption):
        actions.claim(stream, group="workers", by=BY, connection=redis)


def test_a_trim_by_hand_removes_only_what_is_done(redis, stream, fill) -> None:
    fill(10)
    consumer = Consumer(redis)
    taken = consumer.take(4)
    for entry in taken[:3]:
        redis.xack(stream, "workers", entry.execution)

    assert actions.trim(stream, keep=1, by=BY, connection=redis) == 3
    assert redis.xlen(stream) == 7
    with pytest.raises(StreamNotFound):
        actions.trim(own("nowhere"), by=BY, connection=redis)


@pytest.mark.usefixtures("foreign")
def test_each_action_is_written_down(redis, stream) -> None:
    actions.claim(stream, group="workers", idle=0, by=BY, connection=redis)
    actions.trim(stream, by=BY, connection=redis)
    found = [entry.action for entry in audit.entries(connection=redis)]

    assert found == ["stream.trim", "stream.claim"]


# --- the client ----------------------------------------------------------------------------------


def client(redis, name: str | None = None) -> StreamClient:
    return StreamClient("workers" if name else None, name, connection=redis)


def test_a_client_reads_and_acknowledges(redis, stream) -> None:
    async def work() -> tuple[list[str], list[bool]]:
        async with client(redis, "mine") as mine:
            await mine.push_job(message("one"), stream=stream)
            await mine.push_job(message("two"), stream=stream)
            jobs = await mine.read_jobs(stream, count=5)
            kinds = [job.message.data.test_type for job in jobs]
            done = [await mine.acknowledge_job(stream, job.message_id) for job in jobs]
            return kinds, [*done, await mine.acknowledge_job(stream, jobs[0].message_id)]

    assert asyncio.run(work()) == (["one", "two"], [True, True, False])
    assert pending(redis, stream) == {}
    assert not consumers_of(redis, stream)


def test_what_it_left_is_claimed_by_others(redis, stream, fill) -> None:
    fill(2)

    async def work() -> None:
        async with client(redis, "mine") as mine:
            assert len(await mine.read_jobs(stream, count=2)) == 2

    asyncio.run(work())
    assert len(Consumer(redis).take()) == 2


def test_without_a_group_and_a_name_it_only_publishes(redis, stream) -> None:
    async def work() -> None:
        looker = client(redis)
        await looker.push_job(message(), stream=stream)
        for call in (looker.read_jobs(stream), looker.acknowledge_job(stream, "1-1")):
            with pytest.raises(ReadOnlyClient, match="consumer_group") as error:
                await call
            assert error.value.remedy

    asyncio.run(work())
    assert not redis.xinfo_groups(stream)


def test_an_entry_that_is_no_message_says_what_is_wrong(redis, stream) -> None:
    redis.xadd(stream, {"job_type": "test_message"})

    async def work() -> None:
        async with client(redis, "mine") as mine:
            (job,) = await mine.read_jobs(stream)
            assert job.message is None
            assert job.error is not None
            assert job.error.field == "data.testType"

    asyncio.run(work())


def test_a_stream_that_is_not_there_gives_nothing(redis, stream) -> None:
    assert asyncio.run(client(redis, "mine").read_jobs(stream)) == []
    assert not redis.exists(stream_keys.consumers("workers"))
