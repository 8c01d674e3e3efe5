"""Insights says in a sentence what got worse, and shows it in charts and a table."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from redis import Redis

from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import choose, press
from tests.monitoring.counted import move, note
from tests.workers.letters import email
from workers import deploys, enqueue
from workers.clock import utc_now

SLOWER = re.compile(r"EMAIL got (2\.9|3\.[01]). slower since the deploy of 4f2c91d")


def runs(queue: str, ms: int, count: int, outcome: str = "finished") -> list[tuple[object, ...]]:
    return [(queue, "", outcome, ms * 1_000, 40_000)] * count


@pytest.fixture
def seeded(redis: Redis) -> Redis:
    """Emails that got slower with a release, and syncs some of which fail."""
    note(redis, *runs("email|EMAIL", 100, 30), *runs("sync|DATA_SYNC", 2_000, 30))
    move(redis, utc_now() - timedelta(hours=30))
    deploys.mark("4f2c91d", connection=redis)
    note(redis, *runs("email|EMAIL", 300, 40), *runs("sync|DATA_SYNC", 2_000, 27))
    note(redis, *runs("sync|DATA_SYNC", 2_000, 3, "failed"))
    enqueue(email(), connection=redis)
    return redis


def test_the_sentence_says_how_much_succeeded_and_what_got_worse(visit: Visit, seeded) -> None:
    page = visit("/insights", Role.MODERATOR)

    said = page.locator("#reading")
    expect(said).to_contain_text("95.7 % of 70 jobs succeeded; in the 24 hours before, 100 % of 60")
    expect(said).to_contain_text("DATA_SYNC fails more often (90.0 % succeed, 100 % did before)")
    expect(said).to_contain_text(SLOWER)
    row = page.get_by_role("row").filter(has_text="EMAIL")
    expect(row.get_by_role("cell")).to_contain_text(
        ["EMAIL", "40", "100 %", "ms", "ms", "slower", "ms", ""]
    )
    expect(page.locator("pr-chart .mark-t")).to_have_text(["4f2c91d"] * 3)
    expect(page.locator("pr-chart rect.open")).to_have_count(2)
    expect(page.locator("pr-chart path.dash")).to_have_count(4)
    expect(page.get_by_role("group", name="Run time on a log axis: p95 now")).to_be_visible()
    page.get_by_label("Percentiles of run time").get_by_role("link", name="p99").click()
    expect(page.locator(".legend-row", has_text="p99, dashed")).to_be_visible()
    expect(page.locator("pr-chart path.dash")).to_have_count(8)
    assert page.url.endswith("period=24h&lines=p50%2Cp95%2Cp99")
    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)


def test_period_queue_and_type_stand_in_the_address(by_keys: Visit, seeded, address) -> None:
    page = by_keys("/insights")
    press(page, "7 d")
    expect(page.locator("#reading")).to_contain_text("of 130 jobs succeeded. ")

    choose(page, "Message type", "E")
    page.wait_for_url("**/insights?period=7d&queue=&type=EMAIL")
    expect(page.locator("#reading")).to_contain_text("100 % of 70 jobs succeeded")
    expect(page.get_by_label("Message type", exact=True)).to_be_focused()
    press(page, "24 h", back=True)
    page.wait_for_url(f"{address}/insights?period=24h&type=EMAIL")
    expect(page.get_by_role("row").filter(has_text="DATA_SYNC")).to_have_count(0)

    asked = {"Accept": "text/html"}
    refused = page.request.get(f"{address}/insights?period=1h", headers=asked)
    assert (refused.status, "Use 24h, 7d, 30d" in refused.text()) == (422, True)
    assert page.request.get(f"{address}/insights?queue=other", headers=asked).status == 404


def test_without_history_it_says_so_and_where_to_begin(visit: Visit) -> None:
    page = visit("/insights?period=30d")

    expect(page.locator("#reading")).to_have_text("Nothing ended in these 30 days.")
    expect(page.get_by_role("link", name="send a message")).to_be_visible()


def test_with_many_types_it_shows_the_busiest_and_is_for_everyone_and_light(
    visit: Visit, seeded
) -> None:
    for number in range(20):
        note(seeded, *runs(f"imports|IMPORT_OF_ORDERS_{number:02}", 40, 3 + number))
    page = visit("/insights?lines=p50,p95,p99")
    expect(page.locator("pr-chart svg text").first).to_be_visible()

    expect(page.get_by_role("table").locator("tbody tr")).to_have_count(10)
    expect(page.get_by_role("region", name="By message type")).to_contain_text("12 less busy")
    assert "IMPORT_OF_ORDERS_00" in page.get_by_label("Message type", exact=True).inner_text()
    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
    assert barriers(page) == []
