"""One job: what happens next and why, what became of it, and what can be done about it."""

import json
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from rq.utils import utcformat

from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.keys import ask, asked, press, tab_to, write
from tests.workers.failing import Failing, raised
from tests.workers.letters import email, message_of
from tests.workers.pin_app import PinMessage
from workers import audit, dead_letters, enqueue, keys
from workers.clock import utc_now
from workers.find_job import find_job
from workers.jobs import envelope_of


@pytest.fixture
def dead(redis) -> str:
    """A job that died."""
    return Failing(redis).died(raised("the server said no"), message=email(1))


def status(redis, job_id: str) -> bytes | None:
    return redis.hget(keys.job(job_id), "status")


def reasoned(page, title: str, *, word: str = "") -> None:
    """Give a reason in the dialog that was opened, and go on."""
    asked(page, title)
    write(page, Reason="It must be")
    if word:
        write(page, **{f"Type {word}": word})
    page.keyboard.press("Enter")


def add_line(redis, job_id: str, number: int) -> None:
    line = {"timestamp": "2026-01-15T12:00:00+00:00", "level": "INFO", "message": f"step {number}"}
    redis.rpush(keys.job_log(job_id), f"{number} 0 {json.dumps(line)}")


def test_a_job_that_died_says_why_and_what_it_went_through(by_keys, dead) -> None:
    page = by_keys(f"/jobs/{dead}", Role.MODERATOR)

    expect(page.get_by_role("heading", level=1)).to_contain_text("EMAIL ada-1@example.com")
    expect(page.locator("#sentence")).to_contain_text("the server said no")
    steps = page.locator("ol.path li")
    expect(steps).to_have_count(4)
    expect(steps.nth(2)).to_contain_text("Attempt 1 failed after")
    machine = page.locator(".machine").first
    expect(machine.locator("rect.now.f")).to_have_count(1)
    expect(machine).to_contain_text("1 of 1 failed")
    expect(machine.locator("rect.ghost")).to_have_count(2)  # succeeded, backing off
    row = page.get_by_role("row").filter(has_text="the server said no")
    expect(row).to_contain_text("ClosedError")
    payload = page.get_by_role("region", name="Payload")
    expect(payload).to_contain_text("subject text")
    expect(payload).to_contain_text("Hello")
    expect(page.get_by_role("link", name="Failures of the same kind")).to_be_visible()

    tab_to(page, "Attempts1")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("region", name="Envelope").first).to_contain_text('"messageType"')
    expect(page.get_by_role("button", name="Retry…", exact=True)).to_be_disabled()


def test_it_is_sent_again_and_the_new_job_is_shown_with_the_old_one(by_keys, redis, dead) -> None:
    page = by_keys(f"/jobs/{dead}", Role.ADMIN)

    page.keyboard.press("r")
    reasoned(page, "Retry EMAIL?")

    expect(page.locator("#sentence")).to_contain_text("Waiting")
    new = page.url.rpartition("/")[2]
    assert new != dead
    assert redis.lrange(keys.queue("email"), 0, -1) == [new.encode()]
    assert dead_letters.find(dead, connection=redis) is None
    press(page, dead)
    expect(page.locator("#sentence")).to_contain_text("Sent again")
    expect(page.get_by_role("link", name=new)).to_be_visible()


def test_it_is_sent_again_with_just_what_was_changed(by_keys, redis, dead) -> None:
    page = by_keys(f"/jobs/{dead}", Role.ADMIN)

    ask(page, "Change and retry…", "Change EMAIL and retry it?")
    write(page, to_text="grace@example.com", Reason="A slip of the pen")
    press(page, "Retry with these changes")

    expect(page.get_by_role("heading", level=1)).to_contain_text("grace@example.com")
    new = page.url.rpartition("/")[2]
    data = envelope_of(find_job(new, connection=redis))["data"]
    assert (data["to"], data["subject"]) == ("grace@example.com", "Hello")
    assert audit.entries(1, connection=redis)[0].reason == "A slip of the pen"


def test_one_that_backs_off_is_told_when_it_goes_on_and_runs_now(by_keys, redis) -> None:
    job_id = Failing(redis).retried(raised("timed out"), message=email(2))
    # Its first run began in the millisecond in which it was sent, as none does outside of a test.
    before = utcformat(utc_now() - timedelta(seconds=9))
    redis.hset(keys.job(job_id), mapping={"created_at": before, "enqueued_at": before})
    page = by_keys(f"/jobs/{job_id}", Role.ADMIN)
    expect(page.locator("#sentence")).to_contain_text("It is due in 59 min")
    expect(page.locator(".machine rect.now.d")).to_have_count(1)
    expect(page.locator(".machine .next")).to_have_count(1)

    press(page, "Run now…")
    reasoned(page, "Run EMAIL now?")

    expect(page.locator("#sentence")).to_contain_text("Waiting")
    assert status(redis, job_id) == b"queued"


def test_one_that_waits_is_cancelled_after_a_typed_word_and_then_deleted(by_keys, redis) -> None:
    job_id = enqueue(email(3), connection=redis).id
    page = by_keys(f"/jobs/{job_id}", Role.ADMIN)

    press(page, "Cancel job…")
    expect(page.get_by_role("button", name="Cancel EMAIL")).to_be_disabled()
    reasoned(page, "Cancel EMAIL?", word=f"cancel {job_id[-4:]}")
    expect(page.locator("#sentence")).to_contain_text("Cancelled")
    assert status(redis, job_id) == b"canceled"

    page.keyboard.press("p")  # what is deleted shall not be asked for again
    press(page, "Delete…")
    reasoned(page, "Delete EMAIL?", word=f"delete {job_id[-4:]}")
    expect(page).to_have_title("Jobs · Postroom")
    assert status(redis, job_id) is None


def test_one_that_is_stuck_is_stopped_from_the_dialog_of_the_overview(by_keys, redis) -> None:
    job_id = enqueue(email(4), connection=redis).id
    redis.lrem(keys.queue("email"), 0, job_id)
    redis.hset(keys.job(job_id), mapping={"status": "started", "worker_name": "w-1"})
    page = by_keys(f"/jobs/{job_id}", Role.ADMIN)
    opener = page.get_by_role("button", name="Stop…")
    opener.evaluate("(one, job) => one.dataset.url = `/board/dialogs/requeue?job=${job}`", job_id)

    press(page, "Stop…")
    expect(page.get_by_role("dialog", name="Stop EMAIL?")).to_contain_text("can be retried")
    with redis.pubsub() as ears:
        ears.subscribe("rq:pubsub:w-1")
        ears.get_message(timeout=2)
        reasoned(page, "Stop EMAIL?")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert job_id.encode() in ears.get_message(timeout=2)["data"]


def test_the_log_follows_while_it_is_at_its_end(by_keys, redis) -> None:
    job_id = enqueue(email(5), connection=redis).id
    for number in range(1, 41):
        add_line(redis, job_id, number)
    page = by_keys(f"/jobs/{job_id}")
    log = page.get_by_role("log")
    log.scroll_into_view_if_needed()
    expect(log.get_by_text("step 40")).to_be_in_viewport()

    log.evaluate("one => one.scrollTop = 0")
    add_line(redis, job_id, 41)
    expect(page.get_by_role("button", name="1 new line")).to_be_visible()
    press(page, "1 new line")

    expect(log.get_by_text("step 41")).to_be_in_viewport()
    expect(log).to_be_focused()
    expect(page.locator("#newer")).to_be_hidden()


def test_it_is_copied_as_curl_and_as_python_that_sends_the_same(by_keys, redis) -> None:
    job_id = enqueue(email(6), connection=redis).id
    page = by_keys(f"/jobs/{job_id}", Role.MODERATOR)
    expect(ask(page, "Copy as", "Send the same again")).to_contain_text("/api/jobs")

    program = page.locator("#as-python").text_content() or ""
    sent: list[object] = []
    exec(program.replace("from workers import enqueue", ""), {"enqueue": sent.append})

    assert [(each.data, each.message_type) for each in sent] == [(email(6).data, "EMAIL")]


def test_it_is_duplicated_by_the_form_of_its_type_without_its_secrets(by_keys, redis) -> None:
    # No id and no token that a page holds has an exclamation mark.
    data = {"holder": "Ada", "pin": "77!b19f6c2", "spares": ["51!0e7b3a8"]}
    job_id = enqueue(PinMessage(data=data), queue="default", connection=redis).id
    page = by_keys(f"/jobs/{job_id}", Role.ADMIN)

    press(page, "Duplicate")
    form = page.locator("#send")
    expect(form.get_by_label("holder")).to_have_value("Ada")
    assert not any(each in page.content() for each in ("77!b", "51!0"))
    write(page, holder="Grace", pin="new-1", spares="[]")
    press(page, "Send to")

    expect(page.locator("#runs")).to_contain_text("Waits, for")
    new = page.url.rpartition("run=")[2]
    assert message_of(redis, new)["data"] == {"holder": "Grace", "pin": "new-1", "spares": []}


def test_who_may_see_one_tenant_sees_its_jobs_and_no_others(visit, redis) -> None:
    own, theirs = (
        enqueue(email(7, metadata={"tenant": each}), connection=redis).id for each in ("7", "8")
    )
    page = visit(f"/jobs/{own}", Role.ADMIN, tenant="7")
    expect(page.locator("#sentence")).to_contain_text("Waiting")
    expect(page.locator("#sentence")).not_to_contain_text("ahead")
    expect(page.get_by_role("button", name="Cancel job…")).to_be_enabled()

    answer = page.request.get(page.url.replace(own, theirs))

    assert answer.status == 404
    assert "ada-7" not in answer.text()


def test_it_is_for_everyone(visit, redis, dead) -> None:
    add_line(redis, dead, 1)
    page = visit(f"/jobs/{dead}")
    expect(page.locator("#sentence")).to_contain_text("the server said no")

    assert barriers(page) == []
    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
