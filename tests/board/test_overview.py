"""The overview says what needs a person, lets them mend it, and is quiet when all is well."""

from playwright.sync_api import expect
from rq import Worker

from monitoring.queues.snapshot import queue_lists
from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import ask, press, write
from tests.monitoring.counted import note
from tests.workers.letters import bury_message, email
from workers import audit, enqueue, enqueue_many, pauses
from workers.audit import By

ANNA = By("anna", "a leak in the template")


def test_when_all_is_well_it_says_so_and_nothing_is_coloured(visit: Visit, redis) -> None:
    Worker(list(queue_lists("email")), name="one", connection=redis).register_birth()
    page = visit("/")

    expect(page.get_by_role("heading", level=1)).to_have_text("All is well.")
    expect(page.locator(".needs")).to_have_count(0)
    expect(page.locator(".bdg.bad, .bdg.solid, .bdg.warn")).to_have_count(0)


def test_a_paused_queue_is_resumed_from_the_sentence_that_tells_of_it(by_keys, redis) -> None:
    enqueue(email(), connection=redis)
    pauses.pause("queue", "email", by=ANNA, connection=redis)
    page = by_keys("/", Role.ADMIN)

    expect(page.get_by_role("heading", level=1)).to_contain_text("Queue email is paused by anna")
    dialog = ask(page, "Resume", "Resume email?")
    expect(dialog).to_contain_text("a leak in the template")
    write(page, Reason="It is mended")
    press(page, "Resume email")

    expect(page.locator(".toast")).to_contain_text("email runs again.")
    expect(page.locator("#lead")).not_to_contain_text("paused")
    assert not pauses.is_paused("queue", "email", connection=redis)
    last = audit.entries(1, connection=redis)[0]
    assert (last.action, last.actor, last.reason) == ("queue.resume", "ann", "It is mended")


def test_what_was_done_is_undone_by_the_button_beside_it(by_keys, redis, eventually) -> None:
    enqueue(email(), connection=redis)
    pauses.pause("queue", "email", by=ANNA, connection=redis)
    page = by_keys("/", Role.ADMIN)
    ask(page, "Resume", "Resume email?")
    write(page, Reason="Too early")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("email runs again.")

    page.keyboard.press("u")

    eventually(lambda: pauses.is_paused("queue", "email", connection=redis))


def test_a_dialog_is_opened_and_left_and_the_focus_comes_back(by_keys, redis) -> None:
    enqueue(email(), connection=redis)
    pauses.pause("queue", "email", by=ANNA, connection=redis)
    page = by_keys("/", Role.ADMIN)
    opener = page.locator("#lead").get_by_role("button", name="Resume")

    ask(page, "Resume", "Resume email?")
    expect(page.get_by_label("Reason")).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('.veil')")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_who_may_only_look_sees_it_all_and_is_told_what_an_action_needs(visit, redis) -> None:
    enqueue_many((email(number) for number in range(101)), connection=redis)
    pauses.pause("queue", "email", by=ANNA, connection=redis)
    page = visit("/", Role.MODERATOR)

    expect(page.locator(".qcard .r .bdg.warn", has_text="waiting")).to_have_text("101 waiting")
    expect(page.locator("#lead .facts")).to_contain_text("If you waitStands still until resumed.")
    button = page.locator("#lead").get_by_role("button", name="Resume")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "This needs the role ADMIN")


def test_what_changes_is_patched_and_the_focus_stays(visit, redis) -> None:
    page = visit("/")
    link = page.locator(".qcard a").first
    link.focus()
    name = link.text_content()
    page.evaluate("document.activeElement.seen = true")

    bury_message(redis, email())

    expect(page.get_by_role("heading", level=1)).to_contain_text("of email died in the last hour")
    assert page.evaluate("document.activeElement.textContent") == name
    assert page.evaluate("document.activeElement.seen")


def test_it_is_for_everyone(visit, redis) -> None:
    bury_message(redis, email())
    page = visit("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("died")

    assert barriers(page) == []


def test_it_is_light_and_the_first_useful_paint_needs_few_requests(visit, redis) -> None:
    bury_message(redis, email())
    note(redis, ("email|EMAIL", "", "failed", 3_000, 80_000))
    page = visit("/")
    expect(page.locator("pr-chart svg text").first).to_be_visible()

    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
