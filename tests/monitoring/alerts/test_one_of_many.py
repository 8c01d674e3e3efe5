"""Four processes, one of which is killed: each alert is sent once, and once that it is over."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from postroom.embedded import Server
from tests.monitoring.alerts.conftest import SECRET
from tests.monitoring.alerts.sinks import Sink
from tests.processes import Eventually, Started
from workers import enqueue, keys, watch_keys

ROOT = Path(__file__).parents[3]
TURN_SECONDS = 0.6
FIRED, RESOLVED = ("fired", "waiting", "email"), ("resolved", "waiting", "email")


@dataclass(frozen=True)
class Many:
    """The processes, and who of them has the turn."""

    redis: Redis
    pids: tuple[int, ...]

    def holder(self) -> int:
        turn = self.redis.get(watch_keys.alert_turn()) or b""
        return int(turn.split(b"-")[-2]) if turn else 0

    def kill_holder(self) -> int:
        holder = self.holder()
        assert holder in self.pids
        os.kill(holder, signal.SIGKILL)
        return holder


@pytest.fixture(scope="module")
def receiver() -> Iterator[Sink]:
    with Sink() as one:
        yield one


@pytest.fixture(scope="module")
def four(
    redis_server: Server, receiver: Sink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, ...]]:
    """The ids of four processes; each test kills one of them."""
    folder = tmp_path_factory.mktemp("four")
    rules = folder / "alerts.toml"
    rules.write_text("[rules.waiting]\nfor_seconds = 0\nthreshold = 2\n")
    started = Started(folder)
    process = started.start(
        *(sys.executable, "-m", "tests.monitoring.alerts.four", str(TURN_SECONDS)),
        cwd=ROOT,
        env={
            "REDIS_URL": redis_server.url,
            "ALERT_CHANNELS": f"ops={receiver.url}",
            "ALERT_WEBHOOK_SECRET": SECRET,
            "ALERT_PRIVATE_ADDRESSES": "true",
            "ALERT_RULES": str(rules),
            "ALERT_SECONDS": "0.1",
        },
    )
    line = process.wait_for(" all", within=20).splitlines()[0]
    yield tuple(int(pid) for pid in line.split()[1:-1])
    started.end()


@pytest.fixture
def sink(receiver: Sink) -> Sink:
    receiver.got.clear()
    return receiver


@pytest.fixture
def many(redis: Redis, four: tuple[int, ...], sink: Sink, eventually: Eventually) -> Many:
    found = Many(redis, four)
    eventually(found.holder, within=20)
    return found


def fill(redis: Redis) -> None:
    for _ in range(3):
        enqueue(NoteEnrichmentMessage.of("note-1"), queue="email", connection=redis)


def told(sink: Sink) -> list[tuple[str, ...]]:
    """What is about the backlog; that no worker listens is a minute away."""
    return [notice for notice in sink.notices if notice[1] == "waiting"]


def stays(answer: Callable[[], object], expected: object, *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert answer() == expected
        time.sleep(0.02)


def test_of_four_processes_one_tells_and_after_its_death_another_one(redis, many, sink, eventually):
    fill(redis)
    eventually(lambda: told(sink) == [FIRED])
    eventually(lambda: redis.hlen(watch_keys.alert_outbox()) == 0)

    dead = many.kill_holder()
    began = time.monotonic()
    eventually(lambda: many.holder() not in {0, dead})
    assert time.monotonic() - began < 3 * TURN_SECONDS
    redis.delete(keys.queue("email"))
    eventually(lambda: len(told(sink)) > 1)

    stays(lambda: told(sink), [FIRED, RESOLVED], seconds=TURN_SECONDS)
    assert len({got.headers["webhook-id"] for got in sink.got}) == 2


def test_what_was_being_sent_at_the_death_is_repeated_under_its_id(redis, many, sink, eventually):
    sink.open.clear()
    fill(redis)
    eventually(lambda: told(sink) == [FIRED])

    many.kill_holder()
    sink.open.set()

    eventually(lambda: len(sink.got) == 2, within=15)
    eventually(lambda: redis.hlen(watch_keys.alert_outbox()) == 0)
    assert told(sink) == [FIRED, FIRED]
    assert len({got.headers["webhook-id"] for got in sink.got}) == 1
