"""The page of workers tells of a dead one first, and of the others what each does."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from redis import Redis
from rq import Worker
from rq.command import PUBSUB_CHANNEL_TEMPLATE
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.utils import utcformat

from messages import MessageScanMessage
from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import ask, press, write
from tests.workers.letters import email
from tests.workers.streams.places import TEMPLATE, own
from tests.workers.streams.readers import Consumer
from workers import enqueue, keys, publish_many, stream_keys
from workers.clock import utc_now

OURS = "workers.engine.worker.MessageWorker"
STREAM = own("jobs:guild:7:message_scan")


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)


def register(redis: Redis, name: str, *lists: str, ours: bool = True, **told: object) -> Worker:
    """Record a worker as RQ does, without running one."""
    worker = Worker(list(lists), name=name, connection=redis)
    worker.register_birth()
    worker.set_state("idle")
    if ours:
        redis.hset(worker.key, "worker_class", OURS)
    for field, value in told.items():
        redis.hset(worker.key, field, str(value))
    return worker


def give(redis: Redis, worker: Worker, *, minutes: int) -> str:
    """Let a worker run a mail for some minutes."""
    job_id = enqueue(email(), connection=redis).id
    began = utcformat(utc_now() - timedelta(minutes=minutes, seconds=5))
    redis.hset(keys.job(job_id), mapping={"status": "started", "started_at": began})
    redis.sadd(WORKER_EXECUTIONS_KEY_TEMPLATE.format(worker.name), f"{job_id}:run")
    redis.hset(worker.key, "state", "busy")
    return job_id


def kill(redis: Redis, worker: Worker) -> None:
    """Let its last sign of life be too old."""
    redis.hset(worker.key, "last_heartbeat", utcformat(utc_now() - timedelta(seconds=100)))
    redis.expire(worker.key, 380)


def a_fleet(redis: Redis) -> str:
    """One that died with a job, one that works, an old one, a stock one; the job of the first."""
    dead = register(redis, "mail-2", "email", slots=8, child_memory_mb=598)
    job_id = give(redis, dead, minutes=11)
    kill(redis, dead)
    newer = {"slots": 8, "child_memory_mb": 210, "code_version": "b2"}
    give(redis, register(redis, "core-1", "default", "email", **newer), minutes=4)
    register(redis, "core-2", "default", slots=8, code_version="a1")
    register(redis, "plain", "default", ours=False)
    redis.zadd(keys.releases(), {"a1": 1_800_000_000, "b2": 1_800_000_100})
    return job_id


def test_without_workers_it_says_how_to_start_one(visit: Visit) -> None:
    page = visit("/workers")

    expect(page.locator(".head p")).to_have_text("No worker runs, so nothing that is sent starts.")
    expect(page.get_by_role("heading", name="No worker runs")).to_be_visible()
    expect(page.locator("code")).to_have_text("postroom worker")


def test_a_dead_one_stands_first_with_what_it_ran(visit: Visit, redis: Redis) -> None:
    job_id = a_fleet(redis)
    page = visit("/workers", Role.MODERATOR)

    expect(page.locator(".head p")).to_contain_text("3 of 4 run. 1 of 16 slots are busy.")
    finding = page.get_by_role("region", name="mail-2 shows no life, with 1 job in hand")
    for words in ("EMAIL for 11 min", "598 MB when it told last", "15 s after its last sign"):
        expect(finding).to_contain_text(words)
    link = page.get_by_role("link", name="Open the job")
    expect(link).to_have_attribute("href", f"/jobs/{job_id}")


def test_a_dead_consumer_is_told_with_the_stream_that_it_left(by_keys: Visit, redis: Redis) -> None:
    publish_many([MessageScanMessage.of("7", "4")] * 2, stream=STREAM, connection=redis)
    consumer = Consumer(redis, own("*"))
    consumer.take(2)
    until = (utc_now() - timedelta(seconds=40)).timestamp() * 1000
    redis.zadd(stream_keys.consumers("workers"), {consumer.consumer: until})
    page = by_keys("/workers", Role.MODERATOR)

    finding = page.get_by_role("region", name="shows no life, with 2 entries in hand")
    expect(finding).to_contain_text("The next consumer that asks gets its entries.")
    press(page, "Open the stream")
    expect(page.get_by_role("heading", level=1)).to_contain_text(STREAM)


def row(page: Page, name: str):
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def test_each_of_the_others_is_told_with_what_it_does(visit: Visit, redis: Redis) -> None:
    a_fleet(redis)
    reader = Consumer(redis, own("*"))
    reader.take(1)
    page = visit("/workers", Role.MODERATOR)

    for words in ("Working", "1 of 8", "EMAIL for 4 min", "210 MB", "b2"):
        expect(row(page, "core-1")).to_contain_text(words)
    expect(row(page, "core-2").locator(".t-warn")).to_have_text("a1")
    expect(row(page, "core-1").locator(".t-warn")).to_have_count(0)
    expect(row(page, "plain")).to_contain_text("stock RQ worker")
    expect(row(page, reader.consumer)).to_contain_text("Idle")
    expect(page.locator("#rail a[aria-current] .count")).to_have_text("5")
    expect(page.locator(".head p")).to_contain_text("core-2 still runs another version than b2.")

    register(redis, "late", "default", slots=8)
    expect(row(page, "late")).to_be_visible()


def test_a_child_that_died_lately_is_told_at_its_worker(visit: Visit, redis: Redis) -> None:
    death = {"child_died_of": "signal 9", "child_died_with_mb": 600}
    moment = utcformat(utc_now() - timedelta(minutes=3))
    register(redis, "core-1", "default", child_died_at=moment, **death)
    page = visit("/workers")

    expect(row(page, "core-1").locator(".t-bad")).to_have_text(
        "A child died 3 min ago: signal 9, at 600 MB"
    )


def test_it_is_for_everyone_and_light(visit: Visit, redis: Redis) -> None:
    a_fleet(redis)
    page = visit("/workers")

    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
    assert barriers(page) == []


def test_a_worker_is_stopped_from_its_row(by_keys: Visit, redis: Redis) -> None:
    register(redis, "core-1", "default", slots=8)
    ears = redis.pubsub()
    ears.subscribe(PUBSUB_CHANNEL_TEMPLATE % "core-1")
    assert ears.get_message(timeout=5)
    page = by_keys("/workers", Role.ADMIN)

    ask(page, "Stop…", "Stop a worker?")
    write(page, Reason="a new release")
    press(page, "Stop it")

    expect(page.get_by_text("core-1 was told to stop.")).to_be_visible()
    heard = ears.get_message(ignore_subscribe_messages=True, timeout=5)
    assert heard is not None
    assert b"shutdown" in heard["data"]
    ears.close()


def test_who_may_only_look_stops_no_worker(visit: Visit, redis: Redis) -> None:
    register(redis, "core-1", "default", slots=8)
    page = visit("/workers", Role.MODERATOR)

    expect(row(page, "core-1").get_by_role("button", name="Stop…")).to_be_disabled()
