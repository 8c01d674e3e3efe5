"""What looking at streams says where Redis refuses, or does not answer; and what it may need."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from messages import MessageScanMessage
from monitoring.streams import StreamMonitor, SyncStreams
from tests.monitoring.conftest import url_of
from workers import Settings, StorageRefused, StorageUnavailable, publish

STREAM = "jobs:guild:123:message_scan"

LOOKS: tuple[Callable[[SyncStreams], object], ...] = (
    lambda look: look.peek_jobs(STREAM),
    lambda look: look.get_pending_jobs_info(STREAM),
    lambda look: look.get_guild_job_stats("123"),
    lambda look: look.list_streams_for_guild("123"),
    lambda look: look.get_stream_info(STREAM),
)


@pytest.fixture
def looker(own_server: Redis) -> Iterator[Callable[..., str]]:
    """Make a user with these rights and what a login takes; returns its URL."""
    publish(MessageScanMessage.of("123", "456"), connection=own_server)
    own_server.xgroup_create(STREAM, "workers", "0")
    own_server.xreadgroup("workers", "worker-1", {STREAM: ">"})

    def make(*rights: str) -> str:
        own_server.execute_command(
            "ACL", "SETUSER", "looker", "on", "nopass", "~*", "+hello", "+client", *rights
        )
        return url_of(own_server, "looker")

    return make


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_that_is_not_allowed_is_an_error_and_not_zeros(looker, look) -> None:
    with Redis.from_url(looker()) as connection, pytest.raises(StorageRefused):
        look(SyncStreams(connection=connection, settings=Settings()))


def test_the_right_to_read_is_enough_and_looking_changes_nothing(own_server: Redis, looker) -> None:
    url = looker("+@read")
    before = {key: own_server.dump(key) for key in own_server.scan_iter()}

    async def look() -> list[object]:
        async with AsyncRedis.from_url(url) as client, StreamMonitor(connection=client) as monitor:
            return [
                len(await monitor.peek_jobs(STREAM)),
                (await monitor.get_pending_jobs_info(STREAM))["total_pending"],
                (await monitor.get_guild_job_stats("123"))["total_pending"],
                await monitor.list_streams_for_guild("123"),
                (await monitor.get_stream_info(STREAM))["groups"][0]["pending_count"],
            ]

    assert asyncio.run(look()) == [1, 1, 1, [STREAM], 1]
    with Redis.from_url(url) as connection:
        for one in LOOKS:
            assert one(SyncStreams(connection=connection, settings=Settings()))
    assert {key: own_server.dump(key) for key in own_server.scan_iter()} == before


def test_without_the_servers_time_an_age_is_by_our_clock(own_server: Redis, looker) -> None:
    with Redis.from_url(looker("+@read")) as connection:
        found = SyncStreams(connection=connection, settings=Settings()).get_stream_info(STREAM)

    assert 0 <= found["groups"][0]["oldest_pending_ms"] < 60_000


def test_a_server_that_does_not_answer_is_an_error_when_connecting() -> None:
    async def look() -> None:
        async with StreamMonitor(settings=Settings(redis_url="redis://127.0.0.1:1/0")):
            pass

    with pytest.raises(StorageUnavailable):
        asyncio.run(look())
