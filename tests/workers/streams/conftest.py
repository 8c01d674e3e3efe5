"""What the tests of this folder share: streams with names of their own, and messages for them."""

from collections.abc import Iterator

import pytest
from redis import Redis

from messages import TestMessage
from tests.workers.conftest import message
from tests.workers.streams.places import TEMPLATE, own
from workers import Settings, handles, publish
from workers.registry import separate_registry


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)
    monkeypatch.setenv("STREAM_PATTERNS", f"{own('jobs:*')},{own('plain')}")


@pytest.fixture
def stream() -> str:
    """The key of a stream that belongs to nobody."""
    return own("plain")


@pytest.fixture
def stream_settings() -> Settings:
    return Settings()


@pytest.fixture
def fill(redis: Redis, stream: str):
    """Publish so many TEST messages; returns their ids."""

    def _fill(count: int, kind: str = "echo", **options: object) -> list[str]:
        options.setdefault("stream", stream)
        return [
            publish(message(kind), connection=redis, **options).message_id for _ in range(count)
        ]

    return _fill


@pytest.fixture
def handled() -> Iterator[list[str]]:
    """The ids of the TEST messages that were handled, in their order."""
    ids: list[str] = []
    with separate_registry():
        handles(TestMessage)(lambda message: ids.append(message.message_id))
        yield ids
