"""Queues: both lanes in one table, the worst first; what is paused says by whom and why."""

import pytest
from playwright.sync_api import expect
from rq import Worker

from messages import MessageScanMessage
from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import ask, press, write
from tests.workers.letters import email
from tests.workers.streams.places import TEMPLATE, own
from workers import enqueue, enqueue_many, pauses, publish
from workers.audit import By

ANNA = By("anna", "double pushes, a fix is in review")
SCAN = own("jobs:guild:7:message_scan")


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)


def fill(redis) -> None:
    """A stream that nobody reads, a queue that nobody serves, and one that is paused."""
    publish(MessageScanMessage.of("7", "456"), connection=redis)
    enqueue_many((email(number) for number in range(120)), connection=redis)
    enqueue(email(), queue="notes", priority="high", connection=redis)
    pauses.pause("queue", "notes", by=ANNA, connection=redis)


def row(page, name: str):
    return page.locator("tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))


def test_what_is_wrong_stands_first_in_both_lanes_and_says_why(visit: Visit, redis) -> None:
    fill(redis)
    page = visit("/queues")

    names = page.locator("tbody tr td:first-child a").all_text_contents()
    assert set(names[:3]) == {SCAN, "email", "notes"}
    assert names[2] == "notes"
    expect(page.locator(".head p")).to_contain_text("3 of ")
    for name in (SCAN, "email"):
        expect(row(page, name)).to_contain_text("No workers")
        expect(row(page, name)).to_contain_text("Stands still")
        expect(row(page, name)).to_contain_text("No workers active")
    expect(row(page, "notes")).to_contain_text("Paused")
    expect(row(page, "notes")).to_contain_text("Stands still until resumed")
    expect(row(page, "notes")).to_contain_text("“double pushes, a fix is in review”")
    expect(row(page, "notes")).to_contain_text("1 high")
    expect(row(page, "notes")).not_to_contain_text("No workers")
    expect(row(page, "email").locator(".bdg.warn", has_text="120")).to_be_visible()
    expect(row(page, SCAN)).to_contain_text("MESSAGE_SCAN")


def test_who_listens_is_counted(visit: Visit, redis) -> None:
    Worker(["email:high", "email", "email:low"], name="one", connection=redis).register_birth()
    page = visit("/queues?q=email")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(row(page, "email")).to_contain_text("1 worker processing")
    expect(row(page, "email")).to_contain_text("Healthy")


def test_a_filter_stands_in_the_address_and_pages_follow(by_keys: Visit, redis) -> None:
    for number in range(40):
        enqueue(email(), queue=f"q-{number:02}", connection=redis)
    publish(MessageScanMessage.of("7", "456"), connection=redis)
    page = by_keys("/queues")

    page.keyboard.press("/")
    write(page, Name_of_a_queue="Q-")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(12)
    press(page, "Next 12")
    expect(page.locator("tbody tr").first).to_contain_text("q-12")
    assert page.url.endswith("/queues?q=Q-&page=2")
    press(page, "Streams 0")
    expect(page.get_by_role("heading", name="No queue fits.")).to_be_visible()
    press(page, "Show all")
    expect(page.get_by_role("link", name="Streams 1")).to_be_visible()
    press(page, "Streams 1")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_queue_is_found_and_paused_in_its_row(by_keys: Visit, redis, eventually) -> None:
    fill(redis)
    page = by_keys("/queues", Role.ADMIN)

    page.keyboard.press("/")
    page.keyboard.type("mai")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    ask(page, "Pause… email", "Pause email?")
    expect(page.get_by_label("Reason")).to_be_focused()
    write(page, Reason="The mail server is full")
    page.keyboard.press("Enter")

    expect(row(page, "email")).to_contain_text("“The mail server is full”")
    assert pauses.is_paused("queue", "email", connection=redis)
    expect(page.get_by_role("button", name="Resume… email")).to_be_focused()


def test_who_may_see_one_tenant_sees_its_streams_and_nothing_else(visit: Visit, redis) -> None:
    fill(redis)
    publish(MessageScanMessage.of("8", "456"), connection=redis)
    page = visit("/queues", Role.ADMIN, tenant="7")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(row(page, SCAN)).to_contain_text("No workers")
    expect(page.locator("tbody button")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text("notes")
    expect(page.locator("#health")).to_be_empty()


def test_it_is_for_everyone(visit: Visit, redis) -> None:
    fill(redis)
    page = visit("/queues")
    expect(row(page, "email")).to_contain_text("No workers")

    assert barriers(page) == []


def test_a_full_page_is_light(visit: Visit, redis) -> None:
    fill(redis)
    for number in range(15):
        enqueue(email(), queue=f"mail-of-tenant-{number:02}", connection=redis)
    page = visit("/queues")
    expect(page.locator("tbody tr")).to_have_count(12)

    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
