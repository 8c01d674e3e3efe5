"""<job-monitor> stays as things are: by a stream, without one, hidden, and when all is away."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect
from redis import Redis

from tests.board.embedding import open_to, streams
from tests.board.hosting import Host
from tests.faults.own_server import OwnServer, own_server
from tests.workers.letters import bury_message, email
from workers import enqueue, keys

MOST_HEAP = 2_000_000


@pytest.fixture
def app(redis: Redis, shop: Host) -> FastAPI:
    return open_to(shop, redis)


def hide(page: Page, *, hidden: bool) -> None:
    page.evaluate(
        f"Object.defineProperty(document, 'hidden', {{value: {str(hidden).lower()},"
        "configurable: true}); document.dispatchEvent(new Event('visibilitychange'))"
    )


def test_it_polls_where_there_is_no_stream_and_streams_as_soon_as_there_is(
    embed, redis, app, eventually
) -> None:
    app.state.live._most = 0
    page = embed()
    expect(page.locator("#age")).to_have_text("Every 1 s")
    enqueue(email(), connection=redis)
    waiting = page.get_by_role("row", name="email").get_by_role("cell").nth(2)
    expect(waiting).to_have_text("1")

    app.state.live._most = 9

    expect(page.locator("#age")).to_have_text("Live")
    enqueue(email(), connection=redis)
    expect(waiting).to_have_text("2")


def test_polling_pauses_after_five_minutes_in_which_nothing_ran_until_a_click(embed, app) -> None:
    app.state.live._most = 0
    page = embed(prepare=lambda page: page.clock.install())
    page.clock.run_for(50)
    expect(page.locator("#age")).to_have_text("Every 1 s")

    page.clock.fast_forward(302_000)
    expect(page.get_by_text("Nothing has run for 5 minutes.")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(60_000)
    assert asked == []

    page.locator("h1").click()
    expect(page.locator("#age")).to_have_text("Every 1 s")


def age(page: Page) -> int:
    return int((page.locator("#age").text_content() or "").removesuffix(" s old"))


def test_told_not_to_it_looks_only_when_it_is_asked_to(embed, redis, app, eventually) -> None:
    page = embed(more='auto-refresh="false"')
    waiting = page.get_by_role("row", name="email").get_by_role("cell").nth(2)
    expect(waiting).to_have_text("0")
    expect(page.locator("#age")).to_have_text(re.compile(r"^\d+ s old$"))
    assert streams(app) == 0

    enqueue(email(), connection=redis)
    old = age(page)
    eventually(lambda: age(page) >= old + 2)
    expect(waiting).to_have_text("0")
    page.evaluate("document.querySelector('job-monitor').refresh()")

    expect(waiting).to_have_text("1")


def test_hidden_it_leaves_the_stream_and_goes_on_from_where_it_was(
    embed, redis, app, eventually
) -> None:
    came: list[str] = []

    def hear(page: Page) -> None:
        page.on("request", lambda each: came.append(each.headers.get("last-event-id", "")))

    page = embed(prepare=hear)
    expect(page.locator("#age")).to_have_text("Live")
    hide(page, hidden=True)
    eventually(lambda: streams(app) == 0)
    came.clear()

    enqueue(email(), connection=redis)
    hide(page, hidden=False)

    expect(page.get_by_role("row", name="email").get_by_role("cell").nth(2)).to_have_text("1")
    assert any(came)


def test_it_says_that_the_server_is_away_and_how_old_it_is(embed, app) -> None:
    page = embed()
    expect(page.locator("#age")).to_have_text("Live")
    page.route("**/admin/**", lambda route: route.abort())
    page.route("**/api/**", lambda route: route.abort())
    app.state.live.end()

    expect(page.get_by_text("cannot be reached.")).to_be_visible()
    expect(page.get_by_text("CORS_ORIGINS names")).to_be_visible()
    expect(page.locator("#age")).to_contain_text("s old")
    expect(page.get_by_role("row", name="email")).to_be_visible()  # what was told stays


def test_of_many_queues_only_what_changes_is_told_and_all_are_shown(embed, redis) -> None:
    redis.sadd(keys.queues(), *(keys.queue(f"q{number:02}") for number in range(30)))
    page = embed()
    rows = page.get_by_role("region", name="Queues").locator("tbody tr")
    expect(page.locator("#age")).to_have_text("Live")
    before = rows.count()
    assert before > 30

    enqueue(email(), queue="q07", connection=redis)

    row = page.get_by_role("row", name="q07")
    expect(row.get_by_role("cell").nth(2)).to_have_text("1")
    assert rows.count() == before


def test_it_takes_less_than_two_megabytes(embed, redis, eventually) -> None:
    bury_message(redis, email())
    page = embed()
    expect(page.locator("pr-chart svg text").first).to_be_visible()
    client = page.context.new_cdp_session(page)

    def used() -> int:
        client.send("HeapProfiler.collectGarbage")
        return int(client.send("Runtime.getHeapUsage")["usedSize"])

    for _ in range(30):
        bury_message(redis, email())
    eventually(lambda: page.evaluate("heard.length") >= 20)
    full = used()
    page.evaluate("heard.length = 0; document.querySelector('job-monitor').remove()")

    assert full - used() <= MOST_HEAP
    assert full <= 2 * MOST_HEAP  # with the page, the modules and the test's own


class TestWithoutRedis:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[OwnServer]:
        with own_server(tmp_path) as server:
            yield server

    @pytest.fixture
    def app(self, server: OwnServer, shop: Host) -> FastAPI:
        return open_to(shop, server.client())

    def test_it_says_what_is_wrong_shows_what_it_has_and_heals(self, embed, server) -> None:
        page = embed()
        expect(page.locator("#age")).to_have_text("Live")

        server.kill()
        expect(page.locator("#notes")).to_contain_text("Redis")
        expect(page.locator("#notes")).to_contain_text("REDIS_URL")
        expect(page.get_by_role("row", name="email")).to_be_visible()

        server.start()
        expect(page.locator("#notes .note")).to_have_count(0)
        expect(page.locator("#age")).to_have_text("Live")
