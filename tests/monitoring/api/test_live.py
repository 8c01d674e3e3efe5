"""Streams over a real server: ticks, changes, coming back, limits and the end."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.live.live import Live
from monitoring.live.looks import Look, LookTaker
from monitoring.live.pace import Pace
from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.sessions import COOKIE
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import make_token
from tests.contract.shape import contract, shape
from tests.monitoring.api.tokens import BASE, SECRET, token_of
from tests.monitoring.api.watching import (
    QUEUES,
    Stream,
    Watch,
    make_events_large,
    numbers,
    row_of,
    served,
)
from tests.monitoring.conftest import url_of
from tests.monitoring.counting import Counting, counting
from tests.processes import Eventually
from workers import By, pauses
from workers.clock import utc_now

TICK = 0.05
BY = By("ann", "a test")


@pytest.fixture
def web() -> WebSettings:
    return WebSettings(postroom_secret=SECRET, live_seconds=TICK)


def pause(redis: Redis, queue: str) -> None:
    pauses.pause("queue", queue, by=BY, connection=redis)


def is_paused(queue: str, event) -> bool:
    row = row_of(event.data, queue)
    return bool(row and row["paused"])


def test_every_tick_is_an_event_and_shows_what_has_changed(redis: Redis, watch: Watch) -> None:
    stream = watch()
    three = stream.take(3)
    pause(redis, "email")
    changed = stream.until(partial(is_paused, "email"))[-1]

    assert stream.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert numbers(three) == [1, 2, 3]
    assert not is_paused("email", three[0])
    assert row_of(changed.data, "email")["paused"]
    assert shape(three[0].data) == [*shape(contract("001_metrics")), ("stuck", "number")]


def test_who_comes_back_gets_what_it_missed_and_nothing_twice(redis: Redis, watch: Watch) -> None:
    stays, leaves = watch(), watch()
    before = leaves.take(3)
    leaves.close()
    pause(redis, "email")
    stays.until(partial(is_paused, "email"))
    back = watch(last_id=before[-1].number)
    after = back.take(5)
    seen = before + after

    assert numbers(seen) == list(range(numbers(seen)[0], numbers(seen)[-1] + 1))
    assert [is_paused("email", each) for each in (before[-1], after[-1])] == [False, True]


@pytest.mark.parametrize("last_id", ["", "another-7", "7", "\u00e9"])
def test_who_comes_with_an_unknown_id_gets_all(redis: Redis, watch: Watch, last_id: str) -> None:
    first = watch(last_id=last_id).next()

    assert first is not None
    assert row_of(first.data, "email")


def test_a_browsers_cookie_opens_a_stream(app: FastAPI, watch: Watch, web: WebSettings) -> None:
    found = app.state.authenticator
    identity = found.tokens.identity(token_of(Role.MODERATOR, web))
    cookie = found.sessions.cookie(identity, now=utc_now())

    assert watch(Cookie=f"{COOKIE}={cookie}").next()


def test_who_changes_something_here_sees_it_at_once(redis: Redis, web: WebSettings) -> None:
    app = create_app(connection=redis, settings=web.model_copy(update={"live_seconds": 6}))
    bearer = {"Authorization": f"Bearer {token_of(Role.ADMIN, web)}"}
    with served(app) as port, Stream(port, QUEUES, **bearer) as stream:
        before = stream.next()
        changing = HTTPConnection("127.0.0.1", port, timeout=5)
        changing.request("PATCH", "/admin/jobs/queue/email/pause", headers=bearer)
        changed = stream.next()  # which waits for five seconds at most
        changing.close()

    assert [is_paused("email", event) for event in (before, changed)] == [False, True]


def test_the_51st_client_is_told_to_come_later(port: int, watch: Watch) -> None:
    first = [watch() for _ in range(50)]
    refused = watch()
    first[0].close()

    assert {each.answer.status for each in first} == {200}
    assert refused.answer.status == 503
    assert refused.answer.headers["Retry-After"] == "30"  # no stream ends by itself before
    error = json.loads(refused.answer.read())["error"]
    assert sorted(error) == ["code", "field", "message", "remedy"]
    assert error["code"] == "too_many_clients"
    assert "50" in error["message"]


def test_a_place_is_free_again_when_a_client_has_left(watch: Watch, eventually: Eventually) -> None:
    first = [watch() for _ in range(50)]
    first[0].close()

    assert eventually(lambda: watch().answer.status == 200)


def test_a_server_that_ends_opens_no_more_streams(app: FastAPI, watch: Watch) -> None:
    open_one = watch()
    open_one.next()
    app.state.live.end()
    refused = watch()
    last = list(iter(open_one.next, None))  # it comes to an end

    assert all(event.name == "" for event in last)
    assert (refused.answer.status, refused.answer.headers["Retry-After"]) == (503, "1")
    assert json.loads(refused.answer.read())["error"]["code"] == "server_ends"


def test_many_who_poll_cost_one_look_a_tick(redis: Redis, web: WebSettings) -> None:
    with counting(url_of(redis)) as reader:
        slow = web.model_copy(update={"live_seconds": 30})
        client = TestClient(create_app(connection=redis, settings=slow, reader=reader), BASE)
        client.headers["Authorization"] = f"Bearer {token_of(Role.MODERATOR, web)}"
        first = client.get("/admin/jobs/metrics")
        Counting.sent = 0
        others = [client.get("/admin/jobs/metrics") for _ in range(20)]

    assert Counting.sent == 0
    assert {each.text for each in others} == {first.text}


@pytest.fixture
def counted(redis: Redis, web: WebSettings) -> Iterator[int]:
    """An application whose looks are counted."""
    with counting(url_of(redis)) as reader:
        app = create_app(connection=redis, settings=web, reader=reader)
        with served(app) as port:
            yield port


def trips_for(ticks: int, streams: list[Stream]) -> float:
    """Round trips of a tick, on the average, while all streams get all events."""
    *others, newest = streams
    first = newest.take(2)[-1]
    Counting.sent = 0
    last = newest.take(ticks)[-1]
    sent = Counting.sent
    for stream in others:
        assert stream.until(lambda event: event.number == last.number)
    (begin, end) = numbers([first, last])
    return sent / (end - begin)


def test_fifty_clients_cost_one_look_a_tick_and_none_costs_none(
    counted: int, web: WebSettings, eventually: Eventually
) -> None:
    bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}
    with ExitStack() as opened:
        streams = [opened.enter_context(Stream(counted, QUEUES, **bearer))]
        alone = trips_for(10, streams)
        streams += [opened.enter_context(Stream(counted, QUEUES, **bearer)) for _ in range(49)]
        all_of_them = trips_for(10, streams)

    assert 1 <= alone <= 6
    assert all_of_them <= alone + 2

    def is_still() -> bool:
        Counting.sent = 0
        time.sleep(6 * TICK)
        return Counting.sent == 0

    assert eventually(is_still)


def test_a_stream_ends_with_the_token_and_says_so(watch: Watch, web: WebSettings) -> None:
    short = make_token(
        Role.MODERATOR,
        subject="ann",
        ttl=timedelta(seconds=1),
        secret=SECRET,
        settings=web,
    )
    other, ending = watch(), watch(Authorization=f"Bearer {short}")
    last = ending.until(lambda event: event.name == "end")[-1]

    assert last.data["error"]["code"] == "not_authenticated"
    assert ending.next() is None
    assert other.next()


def test_a_stream_is_kept_for_so_long_and_then_the_client_comes_back(
    redis: Redis, app: FastAPI, web: WebSettings
) -> None:
    app.state.live = Live(LookTaker(redis), pace=Pace(seconds=TICK, stream=0.3))
    bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}
    with served(app) as port, Stream(port, QUEUES, **bearer) as stream:
        names = {event.name for event in iter(stream.next, None)}

    assert names == {""}


def test_while_nothing_changes_events_become_rare_until_something_does(
    redis: Redis, app: FastAPI, web: WebSettings
) -> None:
    pace = Pace(seconds=0.02, quiet=0.1, longest=0.2)
    app.state.live = Live(LookTaker(redis), pace=pace)
    bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}

    def gap(stream: Stream) -> float:
        stream.next()
        began = time.monotonic()
        stream.next()
        return time.monotonic() - began

    with served(app) as port, Stream(port, QUEUES, **bearer) as stream:
        deadline = time.monotonic() + 5
        while gap(stream) < 0.16:
            assert time.monotonic() < deadline
        pause(redis, "email")
        stream.until(partial(is_paused, "email"))

        assert min(gap(stream), gap(stream)) < 0.1


def test_looks_that_fail_for_no_known_reason_end_the_streams_and_not_the_server(
    app: FastAPI, watch: Watch
) -> None:
    takes = app.state.live._look

    def fail(_: object) -> Look:
        raise ZeroDivisionError

    app.state.live._look = fail
    ended = watch().next()
    app.state.live._look = takes

    assert ended is None
    assert watch().next()


def test_silence_is_filled_with_comments(redis: Redis, app: FastAPI, web: WebSettings) -> None:
    app.state.live = Live(LookTaker(redis), pace=Pace(seconds=0.5, heartbeat=0.05))
    bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}
    with served(app) as port, Stream(port, QUEUES, **bearer) as stream:
        stream.take(2)

        assert stream.comments >= 3


def test_who_reads_nothing_is_dropped_and_the_others_go_on(
    redis: Redis, app: FastAPI, web: WebSettings, eventually: Eventually
) -> None:
    make_events_large(redis)
    app.state.live = Live(LookTaker(redis), pace=Pace(seconds=0.01))
    bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}
    with (
        served(app, buffer_bytes=2_048, patience=0.5) as port,
        Stream(port, QUEUES, **bearer) as good,
        Stream(port, QUEUES, **bearer) as _,
    ):
        count = lambda: len(app.state.server.server_state.connections)  # noqa: E731
        eventually(lambda: (good.next(), count() == 2)[1])
        eventually(lambda: (good.next(), count() == 1)[1])
        assert good.take(3)
