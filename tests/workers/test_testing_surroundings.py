"""The test kit is opted into, says what a real worker says, and leaves nothing behind."""

import asyncio
import importlib.metadata
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from redis import Redis

from messages import TestData, TestMessage
from tests.processes import StartProcess, own_keys
from workers import (
    aenqueue,
    dead_letters,
    dispatcher,
    enqueue,
    handles,
    handling,
    keys,
    settings,
)
from workers.connection import aconnection_for, connect, default_connection
from workers.dispatcher import Completed, dispatch
from workers.registry import handler_for, separate_registry
from workers.retry import RetryPolicy
from workers.testing import in_memory

ROOT = Path(__file__).parents[2]

USERS_TEST = """
from messages import TestData, TestMessage
from workers import enqueue, handles
from workers.testing import Postroom  # before pytest loads it, which must not warn

pytest_plugins = ["workers.testing"]


@handles(TestMessage)
def answer(message: TestMessage) -> int:
    return 42


def test_the_answer(postroom: Postroom):
    job = enqueue(TestMessage(data=TestData(test_type="question")))
    postroom.drain()
    assert postroom.assert_completed(job) == 42
"""


@pytest.fixture(autouse=True)
def _own_handlers(monkeypatch, tmp_path):
    monkeypatch.setenv("HANDLER_PACKAGES", "messages")  # a package without handlers
    monkeypatch.setenv("TRACE", str(tmp_path / "trace-here"))
    with separate_registry():
        yield


def message(kind: str = "echo") -> TestMessage:
    return TestMessage(data=TestData(test_type=kind))


# --- opting in ----------------------------------------------------------------------------------


def test_a_user_opts_in_with_one_line(start_process: StartProcess, tmp_path: Path):
    (tmp_path / "test_answer.py").write_text(USERS_TEST)

    process = start_process(
        *(sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"),
        *("--rootdir", tmp_path, tmp_path),
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HANDLER_PACKAGES": "messages"},
    )

    assert (process.popen.wait(30), "1 passed" in process.output()) == (0, True), process.output()


def test_nobody_is_opted_in_without_it():
    plugins = importlib.metadata.entry_points(group="pytest11")

    assert [plugin.value for plugin in plugins if plugin.value.startswith("workers")] == []


def test_producers_and_workers_do_not_load_the_kit(start_process: StartProcess):
    code = (
        "import sys, workers.engine.worker, postroom.cli\n"
        "print({'pytest', 'fakeredis', 'time_machine', 'workers.testing'} & set(sys.modules))"
    )
    process = start_process(sys.executable, "-c", code, cwd=ROOT)

    assert process.popen.wait(30) == 0
    assert process.output().strip() == "set()"


APPLICATION = """
from messages import TestMessage
from workers import handles


@handles(TestMessage)
def answer(message: TestMessage) -> int:
    return 42
"""


def test_the_handlers_of_the_settings_are_loaded(monkeypatch, tmp_path: Path):
    settings.load_settings()  # as a test before this one may have done
    (tmp_path / "kit_users_application.py").write_text(APPLICATION)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("HANDLER_PACKAGES", "kit_users_application")

    with in_memory() as postroom:
        assert postroom.perform(message()) == Completed(42)


# --- leaving nothing ----------------------------------------------------------------------------


def test_nothing_is_left_behind(redis: Redis, monkeypatch):
    spread = RetryPolicy.decide.__kwdefaults__["spread"]
    threads, stored = threading.active_count(), own_keys(redis)
    real = default_connection().connection_pool.connection_kwargs["port"]

    with in_memory() as postroom:
        handles(TestMessage)(lambda _: None)
        postroom.fail_next(TestMessage, TimeoutError)
        enqueue(message())
        postroom.advance("1d")
        monkeypatch.setenv("RESULT_TTL", "7")
        assert connect(settings.load_settings()) is default_connection() is postroom.connection

    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME)) < 1
    assert dispatcher.handler_for is handler_for
    assert handling.dispatch == dispatch
    assert RetryPolicy.decide.__kwdefaults__["spread"] is spread
    assert (threading.active_count(), own_keys(redis)) == (threads, stored)
    assert settings.load_settings().result_ttl == 7
    assert default_connection().connection_pool.connection_kwargs["port"] == real


def test_a_loop_that_outlives_a_test_keeps_its_own_server(redis: Redis):
    stored = []

    async def send() -> None:
        stored.append(keys.job((await aenqueue(message())).id))

    with asyncio.Runner() as runner:
        runner.run(send())
        with in_memory() as postroom:
            runner.run(send())
            assert postroom.connection.exists(stored[1])
            assert not postroom.connection.exists(stored[0])
        runner.run(send())
        runner.run(close())

    assert [redis.exists(key) for key in stored] == [1, 0, 1]


async def close() -> None:
    client = await aconnection_for(settings.load_settings())
    await client.aclose()


def test_tests_know_nothing_of_each_other():
    for _ in range(2):
        with in_memory() as postroom:
            handles(TestMessage)(do_nothing)
            postroom.fail_next(TestMessage, TimeoutError, times=5)
            enqueue(message())
            assert len(postroom.enqueued(TestMessage)) == 1
            assert postroom.runs == []


def do_nothing(_: TestMessage) -> None:
    pass


# --- as in production ---------------------------------------------------------------------------


@pytest.mark.slow("a real worker is started, and loads the application")
def test_the_kit_says_what_a_real_worker_says(
    redis: Redis, start_worker: Callable[..., object], eventually
):
    def send(connection: Redis) -> list[str]:
        kinds = {"echo": 3, "permanent": 3, "plain": 1, "transient": 3}
        return [
            enqueue(message(kind), attempts=attempts, connection=connection).id
            for kind, attempts in kinds.items()
        ]

    def letters(ids: list[str], connection: Redis) -> list[object]:
        return [comparable(dead_letters.find(job_id, connection=connection)) for job_id in ids]

    ids = send(redis)
    start_worker()
    eventually(lambda: dead_letters.count(connection=redis) == 3, within=20)

    with in_memory() as postroom:
        from tests.workers import app  # noqa: PLC0415 - its handler belongs to this test alone

        handles(TestMessage)(app.do_as_asked)
        mine = send(postroom.connection)
        postroom.drain()

        assert letters(mine, postroom.connection) == letters(ids, redis)


def comparable(letter: dead_letters.DeadLetter | None) -> object:
    if letter is None:
        return None
    varying = {"worker", "started_at", "duration_ms", "traceback"}
    attempts = [
        {name: value for name, value in attempt.items() if name not in varying}
        for attempt in letter.attempts
    ]
    last_line = letter.traceback.strip().splitlines()[-1]
    fields = asdict(letter) | {"attempts": attempts, "traceback": last_line}
    return {name: fields[name] for name in sorted(fields.keys() - {*_OF_ONE_JOB})}


_OF_ONE_JOB = ("job_id", "buried_at", "envelope")


# --- fast ---------------------------------------------------------------------------------------


def test_a_hundred_tests_take_about_a_second():
    handles(TestMessage)(do_nothing)
    began = time.process_time()

    for _ in range(100):
        with in_memory() as postroom:
            job = enqueue(message())
            postroom.drain()
            postroom.assert_completed(job)

    took = time.process_time() - began
    # A machine that others use may take twice as long for anything, so this is held against work
    # that each test does, too, and that takes a quarter of a second for a hundred on a quiet one.
    began = time.process_time()
    for _ in range(100):
        settings.Settings()
    base = time.process_time() - began
    assert took < 10 * base
