"""Pages stay as things are, in every tab, and say how old they are when they cannot."""

from fastapi import FastAPI
from playwright.sync_api import Page, expect

from tests.board.conftest import Visit
from tests.board.keys import press
from tests.monitoring.counted import note
from tests.workers.letters import bury_message, email

TABS = 12


def streams(app: FastAPI) -> int:
    return len(app.state.live._watchers)


def heading(page: Page) -> str:
    return page.locator("h1").text_content() or ""


def test_twelve_tabs_stay_live_with_one_stream(visit: Visit, redis, app, eventually) -> None:
    first = visit("/")
    tabs = [first, *(first.context.new_page() for _ in range(TABS - 1))]
    for tab in tabs[1:]:
        tab.goto(first.url)
    eventually(lambda: streams(app) == 1)

    bury_message(redis, email())

    for tab in tabs:
        expect(tab.locator("h1")).to_contain_text("of email died")
    assert streams(app) == 1
    for tab in tabs:
        tab.close()
    eventually(lambda: streams(app) == 0)


def test_without_shared_workers_each_page_has_a_stream_of_its_own(
    visit, redis, app, address, eventually
) -> None:
    page = visit("")
    page.add_init_script("delete window.SharedWorker")
    page.goto(address)

    eventually(lambda: streams(app) == 1)
    bury_message(redis, email())
    expect(page.locator("h1")).to_contain_text("of email died")


def test_without_any_stream_it_polls(visit, redis, app) -> None:
    app.state.live._most = 0
    page = visit("/")

    bury_message(redis, email())

    expect(page.locator("h1")).to_contain_text("of email died")


def test_paused_by_hand_it_changes_nothing_until_it_goes_on(by_keys, redis) -> None:
    page = by_keys("/")
    press(page, "Pause live updates")
    expect(page.locator("#age")).to_contain_text("Paused")

    bury_message(redis, email())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.locator("#age")).to_contain_text("1 s old")
    assert asked == []
    page.keyboard.press("p")

    expect(page.locator("h1")).to_contain_text("of email died")


def test_a_hidden_page_asks_for_nothing(visit, redis) -> None:
    page = visit("/")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(300)  # what was asked for before is answered
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    bury_message(redis, email())
    page.wait_for_timeout(600)  # as long as six ticks: there is nothing to wait for

    assert asked == []
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("h1")).to_contain_text("of email died")


def test_open_details_and_what_was_typed_survive(by_keys, redis) -> None:
    bury_message(redis, email())
    note(redis, ("email|EMAIL", "", "failed", 3_000, 80_000))
    page = by_keys("/")
    press(page, "Show as table")
    expect(page.locator("figure table")).to_be_visible()

    bury_message(redis, email())

    expect(page.locator("h1")).to_contain_text("2 messages of email died")
    expect(page.locator("figure table")).to_be_visible()
