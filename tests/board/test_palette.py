"""The palette: from any page to any thing by a few keys."""

import re

from playwright.sync_api import Page, expect

from monitoring.web.identity import Role
from tests.board.browsing import barriers
from tests.board.conftest import Visit
from tests.board.keys import asked, press
from tests.workers.letters import bury_message, email
from workers import enqueue, pauses

PLACES = (
    *("Jobs", "Failures", "Queues", "Workers", "Messages", "Insights", "Settings", "Overview"),
)


def typed(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type(text)


def test_a_few_keys_lead_from_the_overview_to_a_jobs_page(by_keys: Visit, redis, address) -> None:
    job = enqueue(email(), connection=redis).id
    page = by_keys("/")

    typed(page, job[:13])
    page.keyboard.press("Enter")  # at once: the answer to what was typed is waited for

    page.wait_for_url(f"{address}/jobs/{job}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("EMAIL")


def test_an_action_is_found_and_done_and_undone(by_keys: Visit, redis, eventually) -> None:
    page = by_keys("/", Role.ADMIN)

    typed(page, "pause type email")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Pause EMAIL?")).to_be_visible()
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("It sends twice")
    page.keyboard.press("Enter")

    eventually(lambda: pauses.is_paused("type", "EMAIL", connection=redis))
    expect(page.locator(".toast")).to_contain_text("EMAIL is paused.")
    page.keyboard.press("u")
    eventually(lambda: not pauses.is_paused("type", "EMAIL", connection=redis))


def test_each_place_is_two_keys_away_and_what_keys_do_is_one(by_keys: Visit, redis) -> None:
    page = by_keys("/")
    page.keyboard.press("?")
    asked(page, "Keyboard")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    for key, name in zip("jfqwmiso", PLACES, strict=True):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator("nav#rail [aria-current=page]")).to_have_text(re.compile(f"^{name}"))
        page.wait_for_load_state()

    page.keyboard.press("/")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Home")
    press(page, "Skip to content", back=True)
    expect(page.locator("main")).to_be_focused()
    press(page, "Theme: system", back=True)
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    press(page, "Account")
    asked(page, "You are ann")
    press(page, "Log out")
    page.wait_for_url("**/login")


def test_arrows_choose_and_the_chosen_one_is_told_to_screen_readers(visit: Visit, redis) -> None:
    bury_message(redis, email())
    page = visit("/", Role.MODERATOR)

    typed(page, "email")
    field = page.get_by_role("combobox")
    options = page.get_by_role("option")
    expect(options.last).to_contain_text("Search jobs for email")
    expect(options.filter(has_text="Pause")).to_have_count(0)
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", f"found-{options.count()}")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)


def test_it_is_for_everyone(visit: Visit, redis) -> None:
    bury_message(redis, email())
    page = visit("/")
    typed(page, "email")
    expect(page.get_by_role("option").first).to_contain_text("EMAIL")

    assert barriers(page) == []


def test_a_tenant_finds_its_own_jobs_and_no_others(visit: Visit, redis, address) -> None:
    own, other = (
        enqueue(email(number, metadata={"tenant": tenant}), connection=redis).id
        for number, tenant in enumerate(("7", "8"))
    )
    page = visit("", tenant="7")

    def found(typed: str) -> str:
        return page.request.get(f"{address}/board/palette", params={"q": typed}).text()

    assert f'data-href="/jobs/{own}"' in found(own)
    assert f'data-href="/jobs/{other}"' not in found(other)
    assert "Queue" not in found("email")
