"""Workers that run one job after the other, and four at once."""

from collections.abc import Iterator

import pytest
from redis import Redis

from postroom.embedded import Server
from tests.faults.nursery import Nursery
from tests.workers.engine.places import Place, started


@pytest.fixture(scope="module")
def serial_place(
    redis_server: Server, warm_nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("serial")
    with started(folder, warm_nursery, redis_server, "serial", "1") as made:
        yield made


@pytest.fixture(scope="module")
def crowd_place(
    redis_server: Server, warm_nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("crowd")
    with started(folder, warm_nursery, redis_server, "crowd", "4") as made:
        yield made


@pytest.fixture
def serial(redis: Redis, serial_place: Place) -> Place:
    """The one that runs one job after the other."""
    serial_place.worker.trace.write_text("", encoding="utf-8")
    return serial_place


@pytest.fixture
def crowd(redis: Redis, crowd_place: Place) -> Place:
    """The one that runs four at once."""
    crowd_place.worker.trace.write_text("", encoding="utf-8")
    return crowd_place


@pytest.fixture(params=["serial", "crowd"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each of the two."""
    found: Place = request.getfixturevalue(request.param)
    return found
