"""Settings: alerts and their test, roles, retention, pauses, who did what, and the server."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect
from redis import Redis

from monitoring.alerts import AlertSettings
from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import ask, choose, press, tab_to, write
from tests.monitoring.alerts.sinks import Sink
from tests.monitoring.api.tokens import SECRET
from workers import audit, keys, pauses
from workers.audit import By

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a service that is asked

TABS = ("alerts", "retention", "audit")
ANNA = By("anna", "a leak in the template")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def app(redis: Redis, sink: Sink) -> FastAPI:
    """The application with a channel, and a policy of clean-up."""
    return create_app(
        connection=redis,
        settings=WebSettings(
            postroom_secret=SECRET, live_seconds=0.1, cleanup_policies="email:completed:7d:100"
        ),
        alerts_settings=AlertSettings(
            alert_channels=f"pager={sink.url}/hook",
            alert_webhook_secret="0123456789abcdef",
            alert_private_addresses=True,
        ),
    )


def test_a_channel_is_tried_and_says_whether_it_took_it(by_keys: Visit, sink: Sink) -> None:
    page = by_keys("/settings", Role.ADMIN)
    expect(page.locator("#sentence")).to_have_text(
        "0 alerts fire now. 14 rules, 1 channel. Your role is ADMIN."
    )
    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)

    press(page, "Test pager")
    expect(page.locator(".toast")).to_contain_text("pager took a test.")
    expect(page.get_by_role("button", name="Test pager")).to_be_focused()

    assert [each.json["kind"] for each in sink.got] == ["test"]


def test_who_may_only_look_is_told_what_each_action_needs(visit: Visit, address) -> None:
    page = visit("/settings", Role.MODERATOR)

    for name, tab in (("Test pager", "alerts"), ("Run now", "retention"), ("EMAIL", "pauses")):
        page.goto(f"{address}/settings?tab={tab}")
        button = page.get_by_role("button", name=name).first
        expect(button).to_be_disabled()
        expect(button).to_have_attribute("title", "This needs the role ADMIN")


def test_a_policy_shows_what_it_would_remove_and_asks_for_a_word(by_keys: Visit, redis) -> None:
    redis.sadd(keys.queues(), keys.queue("email"))
    redis.zadd(keys.finished("email"), {f"old-{number:03}": number for number in range(103)})
    page = by_keys("/settings", Role.ADMIN)

    press(page, "Retention")
    page.wait_for_url("**tab=retention")
    dialog = ask(page, "Run now", "Remove 3 completed jobs of email?")
    expect(dialog.get_by_role("listitem")).to_have_count(3)
    write(page, Reason="They are old")
    final = dialog.get_by_role("button", name="Remove 3")
    expect(final).to_be_disabled()
    write(page, Type_email_to_confirm="email")
    page.keyboard.press("Enter")

    expect(page.locator(".toast")).to_contain_text("3 completed jobs of email are removed.")
    assert redis.zcard(keys.finished("email")) == 100


def test_pauses_are_made_and_ended(by_keys: Visit, redis, eventually) -> None:
    pauses.pause("type", "EMAIL", by=ANNA, connection=redis)
    page = by_keys("/settings?tab=pauses", Role.ADMIN)
    row = page.get_by_role("row").filter(has_text="EMAIL")
    expect(row).to_contain_text("a leak in the template")

    ask(page, "Resume", "Resume EMAIL?")
    write(page, Reason="It is mended")
    page.keyboard.press("Enter")
    expect(page.locator("#sentence")).to_contain_text("Nothing is paused.")
    ask(page, "Pause a tenant", "Pause a tenant?")
    write(page, Tenant="north", Reason="It floods us")
    page.keyboard.press("Enter")

    eventually(lambda: pauses.is_paused("tenant", "north", connection=redis))
    assert not pauses.is_paused("type", "EMAIL", connection=redis)
    expect(page.get_by_role("row").filter(has_text="north")).to_contain_text("It floods us")


def test_the_audit_log_is_filtered_in_the_address_and_paged(by_keys: Visit, redis, address) -> None:
    for number in range(30):
        By("bob", "to look").record("group.mute", target=f"group-{number}", connection=redis)
    pauses.pause("queue", "email", by=ANNA, connection=redis)
    page = by_keys("/settings?tab=audit")

    expect(page.get_by_role("row")).to_have_count(26)
    press(page, "Older")
    expect(page.get_by_role("row")).to_have_count(7)
    choose(page, "Did", "q")
    page.wait_for_url(f"{address}/settings?tab=audit&who=&did=queue.pause&on=")
    expect(page.get_by_role("row").last).to_contain_text("anna")
    tab_to(page, "Who", back=True)
    write(page, Who="nobody")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Nobody did anything that fits.")
    assert len(audit.entries(connection=redis)) == 31


def test_it_is_for_everyone(visit: Visit, redis, address) -> None:
    pauses.pause("queue", "email", by=ANNA, connection=redis)
    page = visit("/settings")
    for tab in TABS:
        page.goto(f"{address}/settings?tab={tab}")
        assert barriers(page) == [], tab
