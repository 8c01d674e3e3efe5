"""The palette: from any page to any thing by a few keys."""

from playwright.sync_api import Page, expect

from monitoring.web.identity import Role
from tests.board.browsing import barriers
from tests.board.conftest import Visit
from tests.workers.letters import bury_message, email
from workers import enqueue, pauses


def typed(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type(text)


def test_keys_alone_lead_from_the_overview_to_a_jobs_page(visit: Visit, redis, address) -> None:
    job = enqueue(email(), connection=redis).id
    page = visit("/")

    typed(page, job[:13])
    page.keyboard.press("Enter")  # at once: the answer to what was typed is waited for

    page.wait_for_url(f"{address}/jobs/{job}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("EMAIL")


def test_an_action_is_found_and_done_by_keys_alone(visit: Visit, redis, eventually) -> None:
    page = visit("/", Role.ADMIN)

    typed(page, "pause type email")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Pause EMAIL?")).to_be_visible()
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("It sends twice")
    page.keyboard.press("Enter")

    eventually(lambda: pauses.is_paused("type", "EMAIL", connection=redis))


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
