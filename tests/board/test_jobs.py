"""All jobs in one list: found by state and by what they carry, chosen, and acted on at once."""

import re

import pytest
from playwright.sync_api import expect

from messages import NotificationMessage
from monitoring.board.places.jobs import ROWS
from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.keys import ask, asked, press, tab_to, write
from tests.workers.failing import Failing, raised
from tests.workers.letters import bury_message, email
from workers import audit, dead_letters, enqueue, enqueue_many, keys


def of_tenant(number: int, tenant: str):
    return email(number, metadata={"tenant": tenant})


def status(redis, job_id: str) -> bytes | None:
    return redis.hget(keys.job(job_id), "status")


def rows(page):
    return page.locator("#rows tr")


@pytest.fixture
def some(redis) -> dict[str, list[str]]:
    """Three that wait, one that is due later, one that backs off, two that died."""
    failing = Failing(redis)
    return {
        "dead": [failing.died(raised("refused"), message=email(n)) for n in (6, 7)],
        "later": [
            enqueue(email(4), delay=3_600, connection=redis).id,
            failing.retried(raised("timed out"), message=email(5)),
        ],
        "waiting": [enqueue(email(n), connection=redis).id for n in (1, 2, 3)],
    }


def test_the_states_with_their_counts_are_the_filter(by_keys, some) -> None:
    page = by_keys("/jobs")
    expect(page.locator("#sentence")).to_have_text("7 jobs are on record.")

    press(page, "Delayed2")

    expect(page.locator("#sentence")).to_contain_text("2 jobs are due later")
    expect(rows(page)).to_have_count(2)
    assert page.url.endswith("/jobs?q=state%3Adelayed")
    row = rows(page).filter(has_text="ada-5@example.com")
    expect(row).to_contain_text("Backing off")
    expect(row).to_contain_text("timed out")
    expect(row.get_by_role("cell", name="2", exact=True)).to_be_visible()
    expect(row.locator("time").first).to_contain_text("in 59 min")
    expect(rows(page).filter(has_text="ada-4@example.com")).to_contain_text("Scheduled")


def test_a_search_is_typed_with_the_help_of_suggestions(by_keys, some) -> None:
    page = by_keys("/jobs", Role.MODERATOR)
    field = page.get_by_role("combobox", name="Search jobs")

    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("ty")
    expect(page.get_by_role("option", name="type: a message type")).to_be_visible()
    page.keyboard.press("Tab")
    expect(field).to_have_value("type:")
    page.keyboard.type("em")
    expect(page.get_by_role("option", name="type:EMAIL")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(re.compile("type:EMAIL"))
    page.wait_for_load_state()

    page.keyboard.press("/")
    page.keyboard.type("to:")
    option = page.get_by_role("option").filter(has_text="ada-2@example.com")
    expect(option).to_contain_text("1 job")
    page.keyboard.type("ada-2")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option")).to_have_text(re.compile("ada-2@example.com"))
    page.keyboard.press("Tab")
    expect(page.locator("#sentence")).to_have_text("1 job fits.")
    expect(rows(page)).to_have_count(1)
    page.wait_for_load_state()

    page.keyboard.press("/")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Backspace")
    expect(page.locator(".chip")).to_have_count(1)
    expect(rows(page)).to_have_count(7)
    page.wait_for_load_state()

    page.keyboard.press("/")
    page.keyboard.type("-st")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option")).to_have_text(re.compile("-state:"))
    page.keyboard.press("Tab")
    expect(field).to_have_value("-state:")
    page.keyboard.type("wa")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option")).to_have_text(re.compile("-state:waiting"))
    page.keyboard.press("Tab")
    expect(rows(page)).to_have_count(4)
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("run:")
    expect(page.get_by_role("option").first).to_have_text(re.compile("run:>10s"))
    page.keyboard.type("<1h")
    page.keyboard.press("Enter")
    expect(page.locator("#sentence")).to_have_text("2 jobs fit.")


def test_what_cannot_be_searched_for_is_said_with_what_helps(visit, some) -> None:
    page = visit("/jobs?q=type:EMAIL&q=sender:ada")

    expect(page.get_by_role("alert")).to_contain_text("There is no qualifier 'sender' of EMAIL")
    page.goto(page.url.replace("sender:ada", "refused"))
    expect(page.get_by_role("alert")).to_contain_text('error:"refused"')
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.get_by_role("combobox", name="Search jobs")).to_have_value("refused")


def test_the_selected_jobs_are_retried_after_a_look_at_them(by_keys, redis, some) -> None:
    page = by_keys("/jobs?q=state:failed", Role.ADMIN)
    expect(page.locator(".bulk")).to_be_hidden()

    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".bulk")).to_contain_text("1 selected")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator(".bulk")).to_contain_text("2 selected")
    page.keyboard.press("r")
    expect(asked(page, "Retry 2 jobs?")).to_contain_text("ada-7@example.com")
    write(page, Reason="The server is back")
    page.keyboard.press("Enter")

    expect(page.locator(".toast")).to_contain_text("2 retried.")
    expect(page.get_by_role("heading", name="No job has failed")).to_be_visible()
    assert dead_letters.count(connection=redis) == 0
    assert redis.llen(keys.queue("email")) == 5
    entry = audit.entries(1, connection=redis)[0]
    assert (entry.action, entry.actor, entry.reason) == (
        "job.retry_all_ended",
        "ann",
        "The server is back",
    )


def test_all_that_match_are_cancelled_after_a_typed_word_and_later_ones_stay(
    by_keys, redis, some
) -> None:
    enqueue_many((email(number) for number in range(10, 1_010)), connection=redis)
    page = by_keys("/jobs?q=state:waiting+type:EMAIL", Role.ADMIN)
    page.keyboard.press("j")
    page.keyboard.press("x")

    press(page, "Select all that match", back=True)
    press(page, "Cancel all…")
    dialog = asked(page, re.compile("Cancel 1.000 jobs?"))
    expect(dialog).to_contain_text("then you are asked about the next ones")
    write(page, Reason="Sent by mistake", Type_cancel_1000="cancel 1000")
    page.keyboard.press("Enter")
    dialog = asked(page, "Cancel 3 jobs?")
    expect(dialog).to_contain_text("All that match")
    later = enqueue(email(9), connection=redis).id
    write(page, Reason="Sent by mistake")
    final = dialog.get_by_role("button", name="Cancel 3 jobs")
    expect(final).to_be_disabled()
    write(page, Type_cancel_3="cancel 3")
    press(page, "Cancel 3 jobs")

    expect(page.locator(".toast").last).to_contain_text("3 cancelled.")
    assert {status(redis, each) for each in some["waiting"]} == {b"canceled"}
    assert status(redis, later) == b"queued"


def test_a_view_is_saved_in_the_browser_with_its_columns(by_keys, some) -> None:
    page = by_keys("/jobs?q=state:failed", Role.MODERATOR)
    ask(page, "Columns", "Columns")
    tab_to(page, "Queue")
    page.keyboard.press("Space")
    press(page, "Show")
    expect(page.get_by_role("columnheader", name="Queue")).to_have_count(0)

    ask(page, "Save view", "Save this view")
    page.keyboard.type("Dead ones")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Dead ones")).to_be_visible()
    page.goto(page.url.partition("?")[0])
    press(page, "Dead ones")

    expect(page.get_by_role("columnheader", name="Queue")).to_have_count(0)
    expect(rows(page)).to_have_count(2)
    press(page, "Forget Dead ones")
    page.reload()
    expect(page.get_by_role("link", name="Dead ones")).to_have_count(0)


def test_a_span_of_the_chart_narrows_the_list_to_jobs_sent_in_it(visit, some) -> None:
    page = visit("/jobs?q=type:EMAIL")
    expect(page.locator("pr-chart svg text").first).to_be_visible()
    box = page.locator("pr-chart").bounding_box()

    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 40)
    expect(page.locator("#brush")).to_have_attribute("data-own", "ready")
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 10, box["y"] + 50, steps=3)
    page.mouse.up()

    expect(page.locator(".chip")).to_have_count(3)
    expect(page.locator("#sentence")).to_have_text("7 jobs fit.")

    page.goto(page.url.partition("?")[0] + "?q=type:EMAIL")
    expect(page.locator("pr-chart svg text").first).to_be_visible()
    tab_to(page, "Email, last 60 minutes")
    expect(page.locator("#brush")).to_have_attribute("data-own", "ready")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#brush line.cross")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(3)


def test_who_may_see_one_tenant_is_led_to_its_jobs_and_sees_no_others(visit, redis) -> None:
    own = enqueue(of_tenant(1, "7"), connection=redis).id
    enqueue(of_tenant(2, "8"), connection=redis)
    bury_message(redis, of_tenant(3, "8"))
    page = visit("/", Role.ADMIN, tenant="7")

    expect(page).to_have_title("Jobs · Postroom")
    expect(rows(page)).to_have_count(1)
    html = page.content()
    assert own in html
    assert not any(each in html for each in ("ada-2@", "ada-3@", "redis 7", "open</span>"))
    expect(page.locator(".states .n, pr-chart")).to_have_count(0)
    expect(
        page.get_by_role("navigation", name="Places", exact=True).get_by_role("link")
    ).to_have_count(3)

    page.get_by_role("combobox", name="Search jobs").fill("to:")
    expect(page.locator("#suggest")).not_to_contain_text("ada-")
    page.goto(page.url + "?q=to:ada-2@example.com")
    expect(page.locator("#sentence")).to_have_text("0 jobs fit.")


def test_who_may_only_look_is_told_what_an_action_needs(visit, some) -> None:
    page = visit("/jobs?q=state:waiting", Role.MODERATOR)
    page.locator("[data-row]").first.check()

    button = page.locator(".bulk").get_by_role("button", name="Cancel…")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "This needs the role ADMIN")


def test_a_full_page_is_for_everyone_and_light(visit, redis) -> None:
    failing = Failing(redis)
    for number in range(ROWS):
        failing.died(raised(f"{number} is unknown to this server"), message=email(number))
    enqueue(NotificationMessage.of("ada", "Hello " * 20, "W" * 200), connection=redis)
    page = visit("/jobs?q=since:1h")
    expect(page.locator("pr-chart svg text").first).to_be_visible()
    expect(rows(page)).to_have_count(ROWS)

    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
    page.locator("[data-row]").first.check()
    assert barriers(page) == []


def test_a_list_that_nobody_touches_keeps_its_rows_until_others_are_let_in(visit, redis) -> None:
    first = [enqueue(email(number), connection=redis).id for number in range(ROWS)]
    page = visit("/jobs")
    expect(rows(page)).to_have_count(ROWS)
    page.mouse.move(0, 0)

    enqueue_many([email(number) for number in range(100, 100 + ROWS)], connection=redis)

    expect(page.get_by_role("button", name=f"{ROWS} new jobs")).to_be_visible()
    assert [row.get_attribute("data-key") for row in rows(page).all()] == first[::-1]
    page.get_by_role("button", name=f"{ROWS} new jobs").click()
    expect(rows(page)).to_have_count(ROWS)
    expect(rows(page).first).to_contain_text(f"ada-{99 + ROWS}@example.com")


def test_who_selects_a_page_before_its_script_is_there_has_selected_it(visit, some) -> None:
    page = visit("/jobs")
    page.evaluate("document.querySelector('[data-all]').checked = true")

    page.locator("#rows").hover()

    expect(page.locator("#rows [aria-selected=true]")).to_have_count(7)
