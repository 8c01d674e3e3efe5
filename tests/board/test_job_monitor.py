"""<job-monitor> in a page of another origin: what it shows and lets one do, safe for everyone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect
from redis import Redis

from messages import MessageScanMessage, NoteEnrichmentMessage
from monitoring.web.identity import Role
from tests.board.browsing import violations
from tests.board.embedding import Embed, open_to, streams, token
from tests.board.hosting import Host
from tests.board.keys import press, write
from tests.monitoring.counted import note
from tests.monitoring.payloads_xss import PAYLOADS
from tests.workers.letters import bury_message, email
from tests.workers.takers import Taker
from workers import By, audit, enqueue, keys, pauses, publish


@pytest.fixture
def app(redis: Redis, shop: Host) -> FastAPI:
    return open_to(shop, redis)


def test_it_is_live_in_a_page_of_another_origin_whose_policy_is_strict(
    embed: Embed, redis, app
) -> None:
    asked: list[dict[str, str]] = []
    hear = lambda page: page.on("request", lambda each: asked.append(each.headers))  # noqa: E731
    page = embed(Role.MODERATOR, prepare=hear)
    expect(page.locator("#age")).to_have_text("Live")
    row = page.get_by_role("row", name="email")
    expect(row.get_by_role("cell").nth(2)).to_have_text("0")
    row.evaluate("row => row.seen = true")

    enqueue(email(), connection=redis)

    expect(row.get_by_role("cell").nth(2)).to_have_text("1")
    assert row.evaluate("row => row.seen")  # patched, not replaced
    assert streams(app) == 1
    assert any(each.get("authorization", "").startswith("Bearer ") for each in asked)
    assert not any("cookie" in each for each in asked)
    (name, metrics), *_ = page.evaluate("heard")
    assert name == "update"
    assert {"queues", "totals", "successRate", "processingRate", "stuck"} <= set(metrics)
    expect(page.get_by_text("to pause, clear or retry needs ADMIN")).to_be_visible()
    expect(page.get_by_role("button", name="Pause email")).to_have_count(0)


def test_a_queue_is_paused_resumed_and_cleared(embed, redis, by_keys) -> None:
    redis.zadd(keys.failed("email"), {"one": 9e12})
    redis.hset(keys.job("one"), "status", "failed")
    page = embed(Role.ADMIN)
    expect(page.get_by_role("button", name="Pause email")).to_be_visible()
    press(page, "Pause email")
    dialog = page.get_by_role("dialog", name="Pause email?")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    expect(dialog).to_have_css("background-color", "rgb(255, 255, 255)")
    page.keyboard.type("A leak")
    page.keyboard.press("Enter")

    expect(page.locator(".said")).to_have_text("email is paused.")
    expect(page.get_by_role("heading", level=2)).to_have_text("email is paused.")
    entry = audit.entries(1, connection=redis)[0]
    assert (entry.action, entry.actor, entry.reason) == ("queue.pause", "ann", "A leak")

    press(page, "Resume email")
    expect(page.locator(".said")).to_have_text("email runs again.")
    assert not pauses.is_paused("queue", "email", connection=redis)

    press(page, "Clear email")
    dialog = page.get_by_role("dialog", name="Clear email?")
    expect(dialog).to_contain_text("0 completed jobs and 1 failed")
    expect(dialog.get_by_role("button", name="Clear email")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Clear email")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    write(page, Type_email="email")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("1 failed of email are removed.")
    assert redis.zcard(keys.failed("email")) == 0
    told = [detail for name, detail in page.evaluate("heard") if name == "action"]
    assert [each["action"] for each in told] == ["pause", "resume", "clear"]


def scan(guild: str) -> MessageScanMessage:
    return MessageScanMessage.of(guild, "456", ["1"])


def run_since(redis: Redis, began: datetime) -> str:
    """Have a worker run a job since a moment; returns its id."""
    handle = enqueue(NoteEnrichmentMessage.of("n"), timeout=86_400, connection=redis)
    taker = Taker(redis, "note_enrichment")
    (lease,) = taker.lease()
    assert taker.leases.show(lease, started=began.timestamp(), ttl=90)
    return handle.id


def test_a_stuck_job_is_stopped_and_retried(embed, redis, eventually, by_keys) -> None:
    job_id = run_since(redis, datetime.now(UTC) - timedelta(hours=3))
    page = embed(Role.ADMIN)
    stuck = page.get_by_role("region", name="Stuck jobs")
    expect(stuck).to_contain_text("Critical")
    expect(stuck).to_contain_text("Runs for 3 h")
    expect(page.get_by_role("heading", level=2)).to_have_text("1 job is stuck.")

    press(page, "Retry NOTE_ENRICHMENT")
    dialog = page.get_by_role("dialog", name="Stop and retry NOTE_ENRICHMENT?")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("It hangs")
    press(page, "Retry NOTE_ENRICHMENT")
    eventually(lambda: [each.action for each in audit.entries(1, connection=redis)] == ["job.stop"])
    redis.hset(keys.job(job_id), "status", "stopped")  # as the worker does that is told to

    expect(page.locator(".said")).to_contain_text("NOTE_ENRICHMENT is sent again as ")
    entry = audit.entries(1, connection=redis)[0]
    assert (entry.action, entry.target, entry.reason) == ("job.retry", job_id, "It hangs")


def test_without_a_token_or_with_a_bad_one_it_says_so_until_there_is_a_good_one(embed) -> None:
    page = embed(None, typed=False)
    expect(page.get_by_text("There is no token.")).to_be_visible()
    expect(page.get_by_role("heading", level=2)).to_have_text("Nothing can be shown")

    page.evaluate("token = 'none.of.ours'")
    expect(page.get_by_text("The token is not valid.")).to_be_visible()
    assert violations(page) == []

    page.evaluate(
        f"document.querySelector('job-monitor').getAuthToken = () => '{token(Role.ADMIN)}'"
    )
    expect(page.locator("#age")).to_have_text("Live")
    codes = [detail["code"] for name, detail in page.evaluate("heard") if name == "error"]
    assert codes == ["no_token", "not_authenticated"]


def test_where_the_login_counts_no_function_is_needed(visit, redis) -> None:
    page = visit("/", Role.ADMIN)
    page.evaluate(
        "import('/job-monitor.js').then("
        "() => document.body.append(document.createElement('job-monitor')))"
    )
    element = page.locator("job-monitor")
    expect(element.locator("#age")).to_have_text("Live")

    element.get_by_role("button", name="Pause email").click()
    element.get_by_role("dialog").get_by_role("button", name="Pause email").click()

    expect(element.locator(".said")).to_have_text("email is paused.")
    assert pauses.is_paused("queue", "email", connection=redis)


def test_trends_of_a_day_a_week_and_a_month(embed, redis, by_keys) -> None:
    note(redis, ("email|EMAIL", "", "finished", 1_000, 1_000), ("email|EMAIL", "", "failed", 1, 1))
    page = embed(Role.MODERATOR)
    trends = page.get_by_role("region", name="Trends", exact=True)
    expect(trends.locator("pr-chart svg rect").first).to_be_visible()
    expect(trends.get_by_role("row", name="email")).to_contain_text("50.0 %")

    press(page, "Last 7 days")

    expect(trends.locator("pr-chart")).to_have_attribute("aria-label", re.compile("last 7 days"))
    expect(trends.get_by_role("button", name="Last 7 days")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_a_tenant_sees_the_activity_of_its_guild_and_nothing_of_others(embed, redis) -> None:
    publish(scan("7"), connection=redis)
    publish(scan("8"), connection=redis)
    page = embed(Role.MODERATOR, tenant="7", typed=False)

    activity = page.get_by_role("region", name="Activity of 7")
    expect(activity).to_contain_text("1 queued, 0 processing, no workers active")
    expect(activity.get_by_role("listitem").last).to_contain_text("message_scan")
    expect(page.get_by_role("region", name="Queues")).to_have_count(0)
    assert violations(page) == []


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_it_is_for_everyone(embed, redis, *, phone: bool) -> None:
    bury_message(redis, email())
    run_since(redis, datetime.now(UTC) - timedelta(minutes=40))
    pauses.pause("queue", "email", by=By("ann", "a leak"), connection=redis)
    page = embed(Role.ADMIN, phone=phone, typed=False)
    expect(page.locator("pr-chart svg text").first).to_be_visible()
    expect(page.get_by_role("region", name="Stuck jobs")).to_be_visible()

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Clear email").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert phone or violations(page) == []


def test_nothing_that_the_server_tells_is_more_than_text(embed, redis) -> None:
    for text in PAYLOADS:
        redis.sadd(keys.queues(), keys.queue(text))
    page = embed()
    names = page.locator("#queues .qname")

    expect(names).not_to_have_count(0)
    script = "document.querySelector('job-monitor').shadowRoot.querySelectorAll('.qname')"
    shown = page.evaluate(f"[...{script}].map(each => each.textContent)")
    assert set(PAYLOADS) <= set(shown)
    assert page.title() == "Shop"
