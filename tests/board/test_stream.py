"""A stream's page looks without claiming, and lets one mend what the dead left behind."""

import pytest
from playwright.sync_api import expect

from messages import MessageScanMessage
from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import ask, press, write
from tests.monitoring.counted import note
from tests.workers.letters import bury_message
from tests.workers.streams.places import TEMPLATE, own
from workers import audit, publish_many, stream_keys
from workers.streams.hands import NOBODY

SCAN = own("jobs:guild:7:message_scan")
OTHER = own("jobs:guild:8:message_scan")
LONG = "7" * 90
LIVING, DEAD = "core-2:worker-6", "mail-2:worker-3"


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)


def fill(redis) -> list[MessageScanMessage]:
    """230 done, 4 in living hands, 6 in dead ones, 10 unread."""
    every = [MessageScanMessage.of("7", "456") for _ in range(250)]
    every[1] = MessageScanMessage.of("7", "456", [LONG])
    publish_many(every, connection=redis)
    redis.xgroup_create(SCAN, "workers", "0")
    ((_, read),) = redis.xreadgroup("workers", LIVING, {SCAN: ">"}, count=234)
    redis.xack(SCAN, "workers", *[entry for entry, _ in read[:230]])
    redis.xreadgroup("workers", DEAD, {SCAN: ">"}, count=6)
    seconds = redis.time()[0]
    signs = {LIVING: (seconds + 900) * 1000, DEAD: (seconds - 900) * 1000}
    redis.zadd(stream_keys.consumers("workers"), signs)
    return every


def in_hand(redis) -> dict[str, int]:
    return {
        each["name"].decode(): each["pending"]
        for each in redis.xinfo_consumers(SCAN, "workers")
        if each["pending"]
    }


def test_it_says_what_waits_and_who_holds_what_and_claims_nothing(by_keys: Visit, redis) -> None:
    bury_message(redis, fill(redis)[1], queue=SCAN, error="404 Unknown channel")
    page = by_keys(f"/streams/{SCAN}")

    expect(page.locator(".head")).to_contain_text("Dead consumer")
    expect(page.locator(".head")).to_contain_text(DEAD)
    expect(page.locator(".kpi", has_text="Lag")).to_contain_text("10")
    expect(page.locator(".kpi", has_text="Pending")).to_contain_text("10")
    expect(page.locator(".kpi", has_text="Pending")).to_contain_text("1 worker processing")
    peek = page.locator("section", has=page.get_by_role("heading", name="Peek"))
    assert peek.locator("tbody tr .bdg").all_text_contents() == ["Waiting"] * 10
    expect(peek.locator("tbody tr").first).to_contain_text("channel_id 456")
    press(page, "Older 10")
    expect(peek.locator("tbody tr .bdg").first).to_have_text("Held, worker dead")
    expect(peek.locator("tbody tr .bdg").last).to_have_text("Pending")
    press(page, "Oldest first")
    expect(peek.locator("tbody tr .bdg").first).to_have_text("Done")
    (first, _), (second, _) = redis.xrange(SCAN, count=2)
    expect(peek.locator("tbody tr .bdg").nth(1)).to_have_text("Dead letter")

    press(page, second.decode())
    entry = page.locator("#entry")
    expect(entry).to_contain_text("Dead letter message_scan")
    expect(entry.locator("dl")).to_contain_text(LONG)
    press(page, first.decode(), back=True)
    expect(entry.locator("p")).to_contain_text("Done")
    expect(entry.get_by_role("link", name="See its dead letter")).to_have_count(0)
    assert in_hand(redis) == {LIVING: 4, DEAD: 6}
    page.go_back()
    press(page, "See its dead letter")
    expect(page.locator("h1")).to_contain_text("404 Unknown channel")


def test_an_entry_that_is_stuck_is_opened_from_the_overview(by_keys: Visit, redis) -> None:
    fill(redis)
    redis.sadd(stream_keys.consumes("workers", LIVING), SCAN)
    (held, *_) = redis.xpending_range(SCAN, "workers", "-", "+", 1, LIVING)
    redis.xclaim(SCAN, "workers", LIVING, 0, [held["message_id"]], idle=1_860_000)
    page = by_keys("/", Role.ADMIN)

    stuck = page.get_by_role("region", name="Stuck jobs")
    expect(stuck).to_contain_text("Medium")
    expect(stuck.get_by_role("button", name="Retry…")).to_have_count(0)
    press(page, "Open entry")
    expect(page.locator("#entry")).to_contain_text(f"held by {LIVING}, delivered 2")


def test_what_the_dead_left_is_given_away(by_keys: Visit, redis) -> None:
    fill(redis)
    page = by_keys(f"/streams/{SCAN}", Role.ADMIN)

    dialog = ask(page, "Claim 6…", f"Claim 6 entries from {DEAD}?")
    expect(dialog.locator(".sample li")).to_have_count(3)
    write(page, Reason="Killed, out of memory")
    press(page, "Claim 6")

    expect(page.locator(".toast")).to_contain_text(f"6 of {DEAD} are given away.")
    expect(page.get_by_role("row", name="Given away")).to_contain_text("6")
    assert in_hand(redis) == {LIVING: 4, NOBODY: 6}
    last = audit.entries(1, connection=redis)[0]
    assert (last.action, last.actor, last.reason) == (
        "stream.claim",
        "ann",
        "Killed, out of memory",
    )


def test_a_dead_consumer_is_dropped_and_loses_nothing(by_keys: Visit, redis) -> None:
    fill(redis)
    page = by_keys(f"/streams/{SCAN}", Role.ADMIN)

    ask(page, f"Drop… {DEAD}", f"Drop the consumer {DEAD}?")
    write(page, Reason="It will not come back")
    page.keyboard.press("Enter")

    expect(page.locator(".toast")).to_contain_text("6 of its entries are given away")
    assert in_hand(redis) == {LIVING: 4, NOBODY: 6}
    names = {each["name"].decode() for each in redis.xinfo_consumers(SCAN, "workers")}
    assert DEAD not in names


def test_a_trim_says_what_stays_and_removes_only_what_is_done(by_keys: Visit, redis) -> None:
    fill(redis)
    page = by_keys(f"/streams/{SCAN}", Role.ADMIN)

    dialog = ask(page, "Trim about 40 done…", "Trim about 40 done entries?")
    expect(dialog).to_contain_text("10 unread and 10 in hand stay")
    expect(dialog.locator(".sample li")).to_have_count(3)
    write(page, Reason="Too long")
    expect(dialog.get_by_role("button", name="Trim 40")).to_be_disabled()
    write(page, Type_trim_to_confirm="trim")
    press(page, "Trim 40")

    # Ten of those in hand are among the newest 200, which stay in any case: so ten more go.
    expect(page.locator(".toast")).to_contain_text("50 done entries")
    assert redis.xlen(SCAN) == 200
    assert in_hand(redis) == {LIVING: 4, DEAD: 6}


def test_who_may_see_one_tenant_sees_its_stream_and_does_nothing_to_it(visit: Visit, redis) -> None:
    fill(redis)
    page = visit(f"/streams/{SCAN}", Role.ADMIN, tenant="7")

    expect(page.locator(".kpi", has_text="Lag")).to_contain_text("10")
    expect(page.locator("main button:not([data-act=live])")).to_have_count(0)
    assert page.request.get(page.url.replace(SCAN, OTHER)).status == 403


def test_it_is_for_everyone_and_light(visit: Visit, redis) -> None:
    fill(redis)
    note(redis, ("jobs:guild:*:message_scan|MESSAGE_SCAN", "7", "finished", 3_000, 80_000))
    (_, (second, _)) = redis.xrange(SCAN, count=2)
    page = visit(f"/streams/{SCAN}?entry={second.decode()}")
    expect(page.locator("#entry dl")).to_contain_text(LONG)
    expect(page.locator("pr-chart svg text").first).to_be_visible()

    assert barriers(page) == []
    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
