"""What publishing leaves in Redis, and what it refuses."""

import asyncio
import time

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from messages import InvalidMessage
from tests.faults.proxy import Rule, proxy_to
from tests.processes import own_keys
from tests.workers.conftest import message
from tests.workers.streams.places import entry_ids, ids_in, own
from workers import (
    BatchInvalid,
    InvalidOption,
    Settings,
    StorageRefused,
    StreamFull,
    apublish,
    apublish_many,
    publish,
    publish_many,
    stream_keys,
)
from workers.streams.trimming import trim


def test_a_message_is_an_entry_of_its_stream(redis, stream) -> None:
    sent = message("echo")
    found = publish(sent, stream=stream, connection=redis)

    assert (stream, sent.message_id, entry_ids(redis, stream)[0]) == (
        found.stream,
        found.message_id,
        found.entry_id,
    )


def test_the_id_may_be_the_callers(redis, stream) -> None:
    sent = message("echo").model_copy(update={"message_id": "job-123"})

    publish(sent, stream=stream, connection=redis)

    assert ids_in(redis, stream) == ["job-123"]


def test_the_stream_is_known_at_once_and_its_tenants_too(redis) -> None:
    sent = message("echo").model_copy(update={"metadata": {"tenant": "123"}})
    key = publish(sent, connection=redis).stream

    assert own("jobs:guild:123:test_message") == key
    assert (
        {key.encode()}
        == redis.smembers(stream_keys.streams())
        == redis.smembers(stream_keys.streams("123"))
    )


def test_it_takes_one_round_trip(redis, stream) -> None:
    publish(message(), stream=stream, connection=redis)
    with redis.monitor() as monitor:
        publish(message(), stream=stream, connection=redis)
        redis.echo("end")
        sent = []
        while "ECHO" not in (command := monitor.next_command())["command"]:
            sent += [] if command["client_type"] == "lua" else [command["command"]]

    own = [name for command in sent if (name := command.split()[0]) not in {"HELLO", "CLIENT"}]
    assert own == ["EVALSHA"]


def test_urgent_messages_have_a_stream_of_their_own(redis, stream) -> None:
    assert (
        f"{stream}:high"
        == publish(message(), stream=stream, priority="high", connection=redis).stream
    )
    assert f"{stream}:low" == publish(message(), stream=stream, priority=9, connection=redis).stream


def test_many_keep_their_order_over_chunks_and_streams(redis, stream) -> None:
    sent = [message() for _ in range(250)]
    found = publish_many(iter(sent), stream=stream, connection=redis)

    ids = [each.message_id for each in sent]
    assert ids == [each.message_id for each in found] == ids_in(redis, stream)
    assert [each.entry_id for each in found] == entry_ids(redis, stream)


def test_of_many_with_a_wrong_one_nothing_of_its_chunk_is_written(redis, stream) -> None:
    good = [message() for _ in range(130)]
    with pytest.raises(BatchInvalid) as error:
        publish_many([*good, "no message", message()], stream=stream, connection=redis)

    assert (error.value.index, len(error.value.enqueued)) == (130, 100)
    assert redis.xlen(stream) == 100


def test_a_message_that_is_too_large_is_refused(redis, stream) -> None:
    with pytest.raises(InvalidMessage):
        publish(message("x" * 300_000), stream=stream, connection=redis)

    assert not redis.exists(stream)


def test_a_negative_delay_is_refused(redis, stream) -> None:
    with pytest.raises(InvalidOption):
        publish(message(), stream=stream, delay=-1, connection=redis)


def test_a_delayed_message_is_kept_aside_and_once_if_sent_again(redis, stream) -> None:
    sent = message()
    for _ in range(2):
        assert publish(sent, stream=stream, delay=60, connection=redis).entry_id is None

    ((member, due),) = redis.zrange(stream_keys.delayed(), 0, -1, withscores=True)
    assert 55_000 < due - time.time() * 1000 < 65_000
    assert redis.hexists(stream_keys.delayed_entries(), member)
    assert not redis.exists(stream)


def test_async_publishing_is_the_same(redis, redis_server, stream) -> None:
    async def send() -> None:
        async with AsyncRedis.from_url(redis_server.url) as client:
            await apublish(message(), stream=stream, connection=client)
            await apublish_many([message(), message()], stream=stream, connection=client)

    asyncio.run(send())

    assert redis.xlen(stream) == 3


# --- the limit ---------------------------------------------------------------------------------


def small(**other: object) -> Settings:
    return Settings(stream_limit=10, **other)


def test_a_full_stream_refuses_and_says_what_to_do(redis, stream) -> None:
    for _ in range(10):
        publish(message(), stream=stream, settings=small(), connection=redis)
    with pytest.raises(StreamFull, match="10 entries that are not done") as error:
        publish(message(), stream=stream, settings=small(), connection=redis)

    assert "STREAM_LIMIT" in error.value.remedy
    assert redis.xlen(stream) == 10


def test_what_is_done_makes_room_but_nobodys_work_does(redis, stream, fill) -> None:
    ids = fill(10, settings=small())
    redis.xgroup_create(stream, "workers", "0")
    read = redis.xreadgroup("workers", "one", {stream: ">"}, count=8)[0][1]
    redis.xack(stream, "workers", *[entry for entry, _ in read[:6]])

    fill(5, settings=small())

    assert ids[6:] == ids_in(redis, stream)[-9:-5]


def test_a_group_that_has_not_read_keeps_what_the_others_have_done(redis, stream, fill) -> None:
    fill(10, settings=small())
    redis.xgroup_create(stream, "workers", "0")
    redis.xgroup_create(stream, "others", "0")
    read = redis.xreadgroup("workers", "one", {stream: ">"})[0][1]
    redis.xack(stream, "workers", *[entry for entry, _ in read])

    with pytest.raises(StreamFull):
        fill(1, settings=small())


def test_what_is_done_behind_something_old_makes_room_too(redis, stream, fill) -> None:
    fill(10, settings=small())
    redis.xgroup_create(stream, "workers", "0")
    read = redis.xreadgroup("workers", "one", {stream: ">"})[0][1]
    redis.xack(stream, "workers", *[entry for entry, _ in read[1:-1]])

    fill(1, settings=small())

    pending = {each["message_id"] for each in redis.xpending_range(stream, "workers", "-", "+", 10)}
    assert {entry for entry, _ in (read[0], read[-1])} == pending
    assert pending < {entry for entry, _ in redis.xrange(stream)}


def test_waiting_ends_when_there_is_room(redis, stream, fill) -> None:
    fill(10, settings=small())
    redis.xgroup_create(stream, "workers", "0")
    read = redis.xreadgroup("workers", "one", {stream: ">"})[0][1]

    async def later() -> None:
        await asyncio.sleep(0.2)
        redis.xack(stream, "workers", *[entry for entry, _ in read])

    async def both() -> None:
        sending = asyncio.to_thread(fill, 1, settings=small(stream_full="wait"))
        await asyncio.gather(later(), sending)

    asyncio.run(both())


def test_waiting_ends_with_the_error_if_there_is_none(fill) -> None:
    fill(10, settings=small())
    with pytest.raises(StreamFull):
        fill(1, settings=small(stream_full="wait", stream_full_wait=0.2))


def test_with_alert_the_stream_grows_and_the_log_says_so(redis, stream, fill, caplog) -> None:
    fill(12, settings=small(stream_full="alert"))

    assert redis.xlen(stream) == 12
    assert "stream_over_limit" in caplog.text


def test_trimming_a_large_stream_goes_on_where_it_stopped(redis, stream, fill) -> None:
    with redis.pipeline() as pipe:
        for _ in range(2_500):
            pipe.xadd(stream, {"job_id": "x"})
        pipe.execute()
    redis.xgroup_create(stream, "workers", "0")
    read = redis.xreadgroup("workers", "one", {stream: ">"})[0][1]
    redis.xack(stream, "workers", *[entry for entry, _ in read[1:]])

    gone = trim(stream, keep=5, connection=redis)

    assert (gone, redis.xlen(stream)) == (2_500 - 6, 6)


# --- what breaks -------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"delay": 60}], ids=["now", "later"])
def test_another_kind_of_key_is_an_error_that_leaves_nothing(redis, stream, options) -> None:
    redis.set(stream, "x")
    with pytest.raises(StorageRefused):
        publish(message(), stream=stream, connection=redis, **options)

    assert own_keys(redis) == [stream.encode()]


def test_a_lost_answer_does_not_add_the_message_twice(redis, stream) -> None:
    publish(message(), stream=stream, connection=redis)  # the script is known
    rule = Rule(lambda command: command.name.startswith("EVALSHA"))
    port = redis.connection_pool.connection_kwargs["port"]
    with proxy_to(port) as proxy, Redis.from_url(proxy.url) as client:
        proxy.rules.append(rule)
        publish(message(), stream=stream, connection=client)

    assert rule.fired.is_set()
    assert redis.xlen(stream) == 2
