"""How much of Redis a job takes, with our settings of the server and with its own."""

from collections.abc import Iterator

import pytest
from redis import Redis

from benchmarks.message import sample_messages
from postroom.embedded import redis_server as running_server
from tests.workers.engine.steps import run_of, step
from tests.workers.takers import Taker
from workers import enqueue_many

JOBS = 6_000  # more than the stream of outcomes keeps
BATCH = 200
UNTOUCHED = {"hash-max-listpack-value": "64", "stream-node-max-bytes": "4096"}
RESULT = '["eyJjYWxvcmllcyI6NDEyfQ==","1768478400.0","1768478401.0"]'


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    folder = tmp_path_factory.mktemp("memory")
    with running_server(folder) as own, Redis.from_url(own.url) as client:
        yield client


@pytest.mark.parametrize(
    ("config", "result", "most"),
    [
        pytest.param({}, '""', 1_000, id="ours"),
        pytest.param({}, RESULT, 2_000, id="ours-with-a-result"),
        pytest.param(UNTOUCHED, '""', 1_600, id="untouched"),
        pytest.param(UNTOUCHED, RESULT, 6_200, id="untouched-with-a-result"),
    ],
)
def test_a_finished_job_is_small(server, config, result, most):
    for name, value in config.items():
        server.config_set(name, value)
    drain(server, BATCH, result)  # what the server and its scripts need for themselves
    assert bytes_of_a_job(server, result) <= most


def bytes_of_a_job(server: Redis, result: str) -> float:
    """Measured within one minute: the counters of another are nothing that each job takes."""
    while True:
        minute, before = minute_of(server), used(server)
        drain(server, JOBS, result)
        if minute_of(server) == minute:
            return (used(server) - before) / JOBS


def minute_of(server: Redis) -> int:
    return int(server.time()[0]) // 60


def drain(server: Redis, jobs: int, result: str) -> None:
    leases = Taker(server).leases
    enqueue_many(sample_messages(jobs), connection=server)
    leased = step(leases, BATCH).leased
    while leased:
        leased = step(leases, BATCH, *(run_of(lease, result) for lease in leased)).leased


def used(server: Redis) -> int:
    return int(server.info("memory")["used_memory_dataset"])
