"""What tests have of their own."""

import os

import pytest
from redis import Redis

from workers.connection import default_connection
from workers.settings import load_settings


def test_settings_that_were_read_before_the_server_was_known_are_forgotten(
    request: pytest.FixtureRequest,
) -> None:
    load_settings()  # as a thread of an earlier test does now and then
    redis: Redis = request.getfixturevalue("redis")

    assert load_settings().redis_url == os.environ["REDIS_URL"]
    redis.set("a key", "seen")
    assert default_connection().get("a key") == b"seen"
