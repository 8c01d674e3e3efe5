"""What looking at streams says where Redis refuses, or does not answer; and what it may need."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from messages import MessageScanMessage
from monitoring.streams import SyncStreams
from tests.monitoring.conftest import url_of
from workers import Settings, StorageRefused, publish

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
