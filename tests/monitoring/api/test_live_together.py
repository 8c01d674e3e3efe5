"""Clients that come and go while everything changes; each puts the events together."""

import random
import time
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from fastapi import FastAPI
from redis import Redis

from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import SECRET
from tests.monitoring.api.watching import Event, Watch, numbers
from workers import keys

CLIENTS, SECONDS = 6, 1.5
NAMES = [f"many-{number:02}" for number in range(40)]


@pytest.fixture
def web() -> WebSettings:
    return WebSettings(postroom_secret=SECRET, live_seconds=0.02)


@dataclass
class Reader:
    """What a client makes of the events that it got."""

    rows: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    visits: int = 0
    wholes: int = 0
    faults: list[str] = field(default_factory=list)

    def read(self, event: Event) -> None:
        if "partial" not in event.data:
            self.rows = {}
            self.wholes += 1
        elif numbers([event])[0] != numbers(self.events)[-1] + 1:
            self.faults.append(f"{event.number} came after {self.events[-1].number}")
        self.rows |= {row["queueName"]: row for row in event.data["queues"]}
        for gone in event.data.get("removed", ()):
            del self.rows[gone]
        if sum(row["waiting"] for row in self.rows.values()) != event.data["totals"]["waiting"]:
            self.faults.append(f"{event.number} does not add up")
        self.events.append(event)

    def come_and_go(self, watch: Watch, chance: random.Random, is_over: Flag) -> None:
        while not is_over.is_set():
            self.visits += 1
            stream = watch(last_id=self.events[-1].number if self.events else "")
            for event in stream.take(chance.randrange(1, 15)):
                self.read(event)
            stream.close()
            time.sleep(chance.random() * 0.1)


def change(redis: Redis, chance: random.Random, is_over: Flag) -> None:
    while not is_over.is_set():
        queue = keys.queue(chance.choice(NAMES))
        redis.lpush(queue, "x")
        redis.ltrim(queue, chance.randrange(2), -1)
        time.sleep(0.002)


def test_whoever_comes_and_goes_misses_nothing_and_reads_nothing_twice(
    redis: Redis, watch: Watch
) -> None:
    redis.sadd(keys.queues(), *map(keys.queue, NAMES))
    is_over, readers = Flag(), [Reader() for _ in range(CLIENTS)]
    threads = [Thread(target=change, args=(redis, random.Random(0), is_over))]
    for number, each in enumerate(readers):
        arguments = (watch, random.Random(number), is_over)
        threads.append(Thread(target=each.come_and_go, args=arguments))
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    is_over.set()
    for thread in threads:
        thread.join(10)

    assert [fault for each in readers for fault in each.faults] == []
    assert min(each.visits for each in readers) >= 3
    assert sum(each.wholes for each in readers) < sum(each.visits for each in readers) / 2
    assert all(len(set(numbers(each.events))) == len(each.events) for each in readers)


def test_only_what_was_done_makes_the_streams_look_at_once(
    app: FastAPI, bearing, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr(app.state.live, "stir", lambda: looks.append(1))
    path = "/admin/jobs/queue/email/pause"

    refused = [bearing(role).patch(path).status_code for role in (None, Role.MODERATOR)]
    assert (refused, looks) == ([401, 403], [])
    assert bearing(Role.ADMIN).patch(path).status_code == 200
    assert looks == [1]
