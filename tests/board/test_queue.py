"""A queue's page says how it is, shows what is next, and lets one pause and clear it."""

import pytest
from playwright.sync_api import expect

from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import ask, press, write
from tests.monitoring.counted import note
from tests.workers.letters import bury_message, email
from workers import audit, enqueue, enqueue_many, keys, pauses
from workers.audit import By

ANNA = By("anna", "double pushes, a fix is in review")


def test_it_says_how_the_queue_is_and_what_goes_next(visit: Visit, redis) -> None:
    first = enqueue(email(), priority="high", connection=redis)
    enqueue_many((email(number) for number in range(4)), connection=redis)
    page = visit("/queues/email")

    expect(page.get_by_role("heading", level=1)).to_have_text("email")
    expect(page.locator(".head")).to_contain_text("No worker listens to email")
    waiting = page.locator(".kpi", has_text="Waiting")
    expect(waiting).to_contain_text("5")
    expect(page.get_by_role("row", name="High")).to_contain_text("60 %")
    following = page.locator("section", has=page.get_by_role("heading", name="Next"))
    expect(following.locator("li").first).to_contain_text(first.id)
    expect(following.locator("li").first).to_contain_text("high")
    expect(following.locator("li")).to_have_count(4)


def test_marks_that_are_new_on_an_open_page_are_drawn(visit: Visit, redis) -> None:
    enqueue(email(), connection=redis)
    page = visit("/queues/email")
    expect(page.locator(".head")).to_contain_text("No worker")

    pauses.pause("queue", "email", by=ANNA, connection=redis)

    expect(page.locator(".head .bdg", has_text="Paused")).to_be_visible()
    missing = (
        "[...document.querySelectorAll('use')].map(each => each.getAttribute('href'))"
        ".filter(each => !document.querySelector(each))"
    )
    assert page.evaluate(missing) == []


def test_a_queue_that_nobody_knows_is_refused_with_those_that_there_are(visit: Visit) -> None:
    page = visit("/queues/email")
    answer = page.request.get(page.url.replace("email", "emial"))

    assert answer.status == 404
    assert "emial" in answer.text()
    assert "email" in answer.text()


def test_it_is_paused_and_resumed_with_a_reason(by_keys: Visit, redis) -> None:
    enqueue(email(), connection=redis)
    page = by_keys("/queues/email", Role.ADMIN)

    ask(page, "Pause… email", "Pause email?")
    write(page, Reason="Too many pushes")
    press(page, "Pause email")
    held = page.locator("section", has=page.get_by_role("heading", name="Pauses"))
    expect(held).to_contain_text("ann: “Too many pushes”")
    assert pauses.is_paused("queue", "email", connection=redis)
    expect(page.locator(".head").get_by_role("button", name="Resume… email")).to_be_focused()
    ask(page, "Resume… email", "Resume email?")
    write(page, Reason="Mended")
    page.keyboard.press("Enter")

    expect(held).to_have_count(0)
    assert not pauses.is_paused("queue", "email", connection=redis)


def test_what_waits_is_cleared_only_after_a_typed_word_and_a_reason(by_keys: Visit, redis) -> None:
    enqueue_many((email(number) for number in range(3)), connection=redis)
    page = by_keys("/queues/email")

    dialog = ask(page, "Clear… waiting", "Clear 3 waiting jobs of email?")
    expect(dialog.locator(".sample li")).to_have_count(3)
    final = dialog.get_by_role("button", name="Clear 3")
    write(page, Reason="Sent by mistake")
    expect(final).to_be_disabled()
    write(page, Type_email_to_confirm="email")
    page.keyboard.press("Enter")

    expect(page.locator(".toast")).to_contain_text("3 waiting jobs of email are cleared.")
    expect(page.locator(".kpi", has_text="Waiting")).to_contain_text("none")
    assert redis.llen(keys.queue("email")) == 0
    last = audit.entries(1, connection=redis)[0]
    assert (last.action, last.actor, last.reason) == ("queue.clear_ended", "ann", "Sent by mistake")


def test_in_production_it_says_why_nothing_is_cleared(
    visit: Visit, redis, app, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(email(), connection=redis)
    settings = app.state.engine.model_copy(update={"environment": "production"})
    monkeypatch.setattr(app.state, "engine", settings)
    page = visit("/queues/email")

    expect(page.locator("main")).to_contain_text("not cleared unless ALLOW_CLEAR is set")
    expect(page.get_by_role("button", name="Clear…")).to_have_count(0)
    dialog = f"{page.url.partition('/queues')[0]}/board/dialogs/clear?queue=email"
    assert "ENVIRONMENT is production" in page.request.get(dialog).text()


def test_who_may_not_destroy_is_told_so(visit: Visit, redis) -> None:
    enqueue(email(), connection=redis)
    page = visit("/queues/email", Role.ADMIN)

    expect(page.get_by_role("button", name="Clear… completed")).to_have_count(0)
    button = page.get_by_role("button", name="Clear… waiting")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "This needs the role SUPER_ADMIN")


def test_it_is_for_everyone_and_light(visit: Visit, redis) -> None:
    bury_message(redis, email())
    note(redis, ("email|EMAIL", "", "failed", 3_000, 80_000))
    enqueue(email(), connection=redis)
    pauses.pause("queue", "email", by=ANNA, connection=redis)
    page = visit("/queues/email")
    expect(page.locator("pr-chart svg text").first).to_be_visible()

    assert barriers(page) == []
    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
