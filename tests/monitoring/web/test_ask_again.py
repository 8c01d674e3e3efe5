"""Who is refused for want of room, or of Redis, is told when to ask again."""

import asyncio

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.live.live import Live, TooManyClients
from monitoring.live.looks import QUEUES
from monitoring.live.pace import Pace
from monitoring.web.app import create_app
from monitoring.web.logins import MOST_FAILURES
from monitoring.web.outages import Outages
from monitoring.web.settings import WebSettings
from postroom.address import free_port
from tests.monitoring.api.tokens import BASE, SECRET
from workers import watch_keys
from workers.connection import connect
from workers.settings import Settings


@pytest.fixture
def web() -> WebSettings:
    return WebSettings(postroom_secret=SECRET)


def nowhere() -> Redis:
    return connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0", redis_timeout=1))


def failed_logins(client: TestClient, count: int = MOST_FAILURES) -> None:
    for _ in range(count):
        assert client.post("/login", data={"token": "wrong"}).status_code == 401


def test_one_who_failed_to_log_in_too_often_waits_until_that_is_forgotten(
    redis: Redis, web: WebSettings
) -> None:
    client = TestClient(create_app(connection=redis, settings=web), BASE)
    failed_logins(client)
    redis.pexpire(watch_keys.watch_logins("testclient"), 41_500)
    answer = client.post("/login", data={"token": "wrong"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "42")


def test_without_redis_the_failures_of_this_process_say_when(web: WebSettings) -> None:
    with nowhere() as away:
        client = TestClient(create_app(connection=away, settings=web), BASE)
        failed_logins(client)
        answer = client.post("/login", data={"token": "wrong"})

    assert answer.status_code == 429
    assert 50 <= int(answer.headers["Retry-After"]) <= 60


def test_without_redis_the_wait_grows_with_the_outage(web: WebSettings) -> None:
    seconds = 0.0
    with nowhere() as away:
        app = create_app(connection=away, settings=web)
        app.state.outages = Outages(lambda: seconds)
        client, told = TestClient(app, BASE), []
        for at in (0, 1, 7.5, 25, 80, 500):
            seconds = at
            answer = client.get("/readyz")
            assert answer.status_code == 503
            told.append(int(answer.headers["Retry-After"]))

    assert told == [1, 1, 8, 25, 30, 1]  # the last one is another outage


def test_an_answer_that_went_well_says_nothing_of_it(redis: Redis, web: WebSettings) -> None:
    client = TestClient(create_app(connection=redis, settings=web), BASE)

    assert "Retry-After" not in client.get("/readyz").headers
    assert "Retry-After" not in client.get("/api/overview").headers


@pytest.mark.parametrize(("seconds", "after"), [(20.0, 20.0), (0.5, 0.5)])
def test_where_all_streams_are_taken_it_is_until_the_next_one_ends(
    seconds: float, after: float
) -> None:
    async def wait_for_room() -> float:
        live = Live(lambda _: None, pace=Pace(seconds=60), most=2)  # type: ignore[arg-type, return-value]
        with live.joined(QUEUES, seconds=3_000), live.joined(QUEUES, seconds=seconds):
            with pytest.raises(TooManyClients) as refused, live.joined(QUEUES, seconds=1):
                pass
            return refused.value.after

    assert asyncio.run(wait_for_room()) == pytest.approx(after, abs=0.4)
