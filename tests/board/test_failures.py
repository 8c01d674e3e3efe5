"""Failures: groups with the worst first, and one of them mended in three steps."""

import re

from playwright.sync_api import Page, expect
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from messages import new_message
from monitoring.failures.groups import read_groups
from monitoring.web.identity import Role
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.failed import fail_emails, fail_workouts, group_of, left, workout
from tests.board.keys import ask, asked, choose, press, tab_to, write
from tests.workers.letters import bury_message, email, message_of
from tests.workers.pin_app import PinMessage
from workers import audit, dead_letters, deploys, enqueue, failure_groups, keys
from workers.audit import By

ADA = By("ada", "known since the release")


def status_becomes(redis, job_id: str, status: JobStatus) -> None:
    Job.fetch(job_id, connection=redis, serializer=JSONSerializer).set_status(status)


def act(page: Page, opener: str, title: str, reason: str) -> None:
    """Open a dialog, give a reason, and go on."""
    ask(page, opener, title)
    write(page, Reason=reason)
    page.keyboard.press("Enter")


def test_the_worst_group_is_first_and_tells_what_its_messages_share(by_keys: Visit, redis) -> None:
    fail_emails(redis, 2)
    fail_workouts(redis, 10)
    for number in range(3):
        enqueue(
            workout(number, notes="none").model_copy(update={"metadata": None}), connection=redis
        )
    page = by_keys("/failures", Role.MODERATOR)

    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("changes.weight is not a number")
    expect(rows.nth(0)).to_contain_text("High")
    expect(rows.nth(1)).to_contain_text("Medium")
    chosen = page.locator("#chosen")
    expect(chosen).to_contain_text("A replay would only wait. No workers serve default.")
    expect(chosen.locator(".share").first).to_contain_text("135 lb")
    expect(chosen.locator(".share").first).to_contain_text("76.9 % of the newest WORKOUT_UPDATE")
    expect(chosen.get_by_role("button", name="Mute…")).to_be_disabled()

    press(page, "too many requests")
    expect(chosen).to_contain_text("EMAIL: too many requests")
    choose(page, "Type", "E")
    expect(rows).to_have_count(1)
    assert "type=EMAIL" in page.url
    tab_to(page, "Queue", back=True)
    page.keyboard.type("d")
    expect(page.get_by_role("heading", name="No group matches.")).to_be_visible()


def test_a_group_is_muted_and_marked_as_fixed_and_all_of_it_is_undone(
    by_keys: Visit, redis, eventually
) -> None:
    fail_emails(redis, 1)
    deploys.mark("v7", connection=redis)
    name = group_of(redis, "EMAIL")

    def state() -> str | None:
        return dict(read_groups(connection=redis))[name].get("state")

    page = by_keys(f"/failures/{name}", Role.ADMIN)
    head = page.locator(".head")

    def undo(said: str, shown: str, then: str | None) -> None:
        expect(page.locator(".toast").last).to_contain_text(said)
        page.keyboard.press("u")
        expect(head).to_contain_text(shown)
        assert state() == then

    act(page, "Mute…", "Mute this group?", "the provider is down")
    expect(head).to_contain_text("Muted")
    assert state() == "muted"
    undo("The group is muted.", "Medium", None)
    act(page, "Mute…", "Mute this group?", "it is down again")
    expect(head).to_contain_text("Muted")
    act(page, "Open again…", "Open this group again?", "it is up")
    expect(head).to_contain_text("Medium")
    undo("The group is open again.", "Muted", "muted")
    act(page, "Open again…", "Open this group again?", "it is up")
    expect(head).to_contain_text("Medium")

    act(page, "Mark fixed…", "In which release is this fixed?", "it waits longer now")
    expect(head).to_contain_text("Fixed in v7")
    assert state() == "fixed"
    undo("The group is marked as fixed.", "Medium", None)
    act(page, "Mark fixed…", "In which release is this fixed?", "it waits longer now")
    expect(head).to_contain_text("Fixed in v7")
    act(page, "Open again…", "Open this group again?", "it does not")
    expect(head).to_contain_text("Medium")
    assert state() is None
    undo("The group is open again.", "Fixed in v7", "fixed")
    mute, unmute, fix = "failure.mute", "failure.unmute", "failure.mark_fixed"
    actions = [each.action for each in reversed(audit.entries(20, connection=redis))]
    assert actions == [
        *(mute, unmute, mute, unmute, mute, unmute),
        *(fix, unmute, fix, unmute, fix),
    ]


def test_a_message_is_edited_then_tried_and_then_the_others_are_replayed(
    by_keys: Visit, redis
) -> None:
    ids = fail_workouts(redis, 4)
    name = group_of(redis, "WORKOUT_UPDATE")
    page = by_keys(f"/failures/{name}?letter={ids[1]}", Role.ADMIN)
    expect(page.get_by_role("button", name="Replay the other 3")).to_be_disabled()
    expect(page.locator("#step3")).to_contain_text("Opens when a trial has succeeded.")

    write(page, rest="-5")
    error = "Input should be greater than or equal to 0"
    expect(page.locator(".err")).to_contain_text(error)
    expect(page.locator("#checked")).to_contain_text("It cannot be sent so.")
    write(page, rest="90")
    tab_to(page, "notes", back=True)
    write(page, notes="")
    expect(page.locator("#checked .del")).to_contain_text('"notes": "135 lb"')
    expect(page.locator("#checked .add").last).to_contain_text('"rest": 90')
    expect(page.locator("#checked")).not_to_contain_text("cannot be sent")
    write(page, sets="45")
    expect(page.locator("#checked .add mark").first).to_have_text("5")
    expect(page.locator("#checked .del mark")).to_have_count(0)
    write(page, sets="4")
    write(page, further_values='{"unit": "lb"}', Reason="the unit goes elsewhere")
    page.keyboard.press("Enter")

    expect(page.locator("#step1")).to_contain_text("ann changed 3 values")
    letter = dead_letters.find(ids[1], connection=redis)
    assert letter.envelope["data"]["changes"] == {"sets": 4, "rest": 90, "unit": "lb"}
    assert letter.envelope["data"]["sessionId"] == "session-1"

    act(page, "Try this one…", "Try this one?", "does it work now?")
    expect(page.locator("#step2")).to_contain_text("waits")
    expect(page.locator("#step3")).to_contain_text("it is under way")
    [tried] = [each.details["newJobId"] for each in audit.entries(1, connection=redis)]
    status_becomes(redis, tried, JobStatus.FAILED)
    expect(page.locator("#step3")).to_contain_text("a trial failed again")
    expect(page.locator("#step3").get_by_role("button")).to_be_disabled()
    status_becomes(redis, tried, JobStatus.FINISHED)
    expect(page.locator("#step2")).to_contain_text("1 of 1 succeeded")

    dialog = ask(page, "Replay the other 3…", "Replay 3 dead letters?")
    expect(dialog.locator(".sample li")).to_have_count(3)
    page.keyboard.press("Escape")
    press(page, "The same change to each…")
    expect(dialog.locator(".diff")).to_have_count(3)
    expect(dialog.locator(".diff .add").first).to_contain_text('"rest": 90')
    fail_workouts(redis, 1, "other")  # after the dry run: it is not among them
    write(page, Reason="the trial went well")
    press(page, "Replay 3")
    expect(page.locator(".toast")).to_contain_text("3 sent again.")
    assert left(redis, name) == 1
    queued = redis.lrange(keys.queue("default"), -3, -1)
    sent = [message_of(redis, each.decode())["data"] for each in queued]
    assert [each["changes"] for each in sent] == [{"sets": 4, "rest": 90, "unit": "lb"}] * 3
    assert {each["sessionId"] for each in sent} == {"session-0", "session-2", "session-3"}


def test_secrets_stay_hidden_and_as_they_are(by_keys: Visit, redis) -> None:
    data = {"holder": "Ada", "pin": "pin-77ab19f6c2", "spares": ["spare-51d0e7b3a8"]}
    job_id = bury_message(redis, new_message("TESTS_PIN", data), queue="default")
    assert PinMessage.__name__ == "PinMessage"
    page = by_keys(f"/failures/letters/{job_id}", Role.ADMIN)

    assert "77ab19f6c2" not in page.content()
    assert "51d0e7b3a8" not in page.content()
    expect(page.get_by_label("pin")).to_have_value("")
    write(page, holder="Grace")
    expect(page.locator("#checked .add")).to_contain_text('"holder": "Grace"')
    write(page, Reason="she married")
    press(page, "Save change")
    expect(page.locator(".edits")).to_contain_text("data.holder")
    assert page.locator(".edits mark").all_text_contents() == ["Ada", "Grace"]

    letter = dead_letters.find(job_id, connection=redis)
    assert letter.envelope["data"] == {**data, "holder": "Grace"}

    press(page, "JSON")
    page.wait_for_url("**as=json**")
    write(page, data='{"holder": "Grace", "pin": "new-1", "spares": "***"}', Reason="a new one")
    press(page, "Save change")
    expect(page.locator(".edits li")).to_have_count(2)
    letter = dead_letters.find(job_id, connection=redis)
    assert letter.envelope["data"]["pin"] == "new-1"


def test_what_is_discarded_needs_the_role_and_the_word(by_keys: Visit, redis) -> None:
    ids = fail_emails(redis, 3)
    name = group_of(redis, "EMAIL")
    page = by_keys(f"/failures/{name}", Role.ADMIN)
    expect(page.get_by_role("button", name="Discard 3…")).to_be_disabled()

    page = by_keys(f"/failures/letters/{ids[0]}")
    ask(page, "Discard…", "Discard this dead letter?")
    write(page, Reason="twice", Type_discard="discard 1")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/failures/{name}")
    assert left(redis, name) == 2

    dialog = ask(page, "Discard 2…", "Discard 2 dead letters?")
    final = dialog.get_by_role("button", name="Discard 2")
    write(page, Reason="nobody needs them", Type_discard="discard 3")
    expect(final).to_be_disabled()
    write(page, Type_discard="discard 2")
    press(page, "Discard 2")
    expect(page.locator(".toast")).to_contain_text("2 discarded.")
    expect(page.get_by_role("heading", name="No message of this group is dead.")).to_be_visible()
    assert left(redis, name) == 0


def test_a_trial_is_begun_from_the_list(by_keys: Visit, redis) -> None:
    fail_emails(redis, 3)
    name = group_of(redis, "EMAIL")
    page = by_keys("/failures", Role.ADMIN)

    ask(page, "Try some…", "Try some of the oldest?")
    write(page, Reason="is it up again?")
    tab_to(page, "How many", back=True)
    write(page, How_many="2")
    page.keyboard.press("Enter")

    expect(page.locator("#step2")).to_contain_text("0 of 2 succeeded.")
    assert left(redis, name) == 1


def test_one_letter_is_found_by_what_it_died_of_and_replayed(by_keys: Visit, redis) -> None:
    fail_emails(redis, 1)
    crashed = bury_message(redis, email(99), reason="crash", error="killed by SIGKILL")
    page = by_keys("/failures/letters", Role.ADMIN)

    choose(page, "Reason", "c")
    expect(page.locator("tbody tr")).to_have_count(1)
    press(page, "killed by SIGKILL")
    page.wait_for_url(f"**/{crashed}")
    page.keyboard.press("r")
    asked(page, "Replay this dead letter?")
    write(page, Reason="it has more memory now")
    page.keyboard.press("Enter")

    expect(page.locator("#sentence")).to_contain_text("Waiting")
    assert dead_letters.find(crashed, connection=redis) is None
    assert redis.lrange(keys.queue("email"), 0, -1) == [page.url.rpartition("/")[2].encode()]


def test_who_may_only_look_replays_no_letter(visit: Visit, redis) -> None:
    crashed = bury_message(redis, email(99), reason="crash", error="killed by SIGKILL")
    page = visit(f"/failures/letters/{crashed}", Role.MODERATOR)

    expect(page.get_by_role("heading", level=1)).to_have_text("killed by SIGKILL")
    expect(page.get_by_role("button", name="Replay…")).to_be_disabled()


def test_when_nothing_failed_it_says_so(visit: Visit) -> None:
    page = visit("/failures", Role.MODERATOR)

    expect(page.locator(".blank")).to_contain_text("Nothing fails that nobody knows of.")
    expect(page.locator(".bdg.bad, .bdg.solid, .bdg.warn")).to_have_count(0)


def test_it_is_for_everyone(visit, redis) -> None:
    ids = fail_workouts(redis, 2)
    name = group_of(redis, "WORKOUT_UPDATE")
    page = visit("/failures")
    for path in (
        "/failures",
        f"/failures/{name}",
        "/failures/letters",
        f"/failures/letters/{ids[0]}?as=json",
    ):
        page.goto(page.url.partition("/failures")[0] + path)
        assert barriers(page) == [], path


def test_it_is_light(visit, redis) -> None:
    fail_workouts(redis, 12)
    failure_groups.mute(group_of(redis, "WORKOUT_UPDATE"), by=ADA, connection=redis)
    fail_emails(redis, 12)
    page = visit(f"/failures/{group_of(redis, 'WORKOUT_UPDATE')}")
    expect(page.locator("pr-chart svg text").first).to_be_visible()

    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
    page = visit("/failures")
    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)


def test_the_letter_that_is_shown_stays_while_others_die(visit: Visit, redis) -> None:
    (first,) = fail_workouts(redis, 1)
    name = group_of(redis, "WORKOUT_UPDATE")
    page = visit(f"/failures/{name}")
    tried = page.get_by_role("button", name="Try this one…")
    expect(tried).to_have_attribute("data-url", re.compile(first))

    fail_workouts(redis, 2)

    expect(page.locator(".head")).to_contain_text("3 WORKOUT_UPDATE messages are dead")
    expect(tried).to_have_attribute("data-url", re.compile(first))
