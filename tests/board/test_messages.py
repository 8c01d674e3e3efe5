"""The page of messages says what can be sent, sends it, and shows what becomes of it."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect
from redis import Redis
from rq import Queue

from messages import message_types
from monitoring.jobs import get_job_status
from monitoring.jobs.detail import get_job_detail
from monitoring.web.identity import Role
from postroom.embedded import Server
from tests.board.browsing import MOST_BYTES, barriers, weight
from tests.board.conftest import Visit
from tests.board.keys import ask, choose, press, tab_to, write
from tests.processes import StartProcess
from tests.workers.letters import bury_message, email
from workers import keys, pauses
from workers.audit import By

ROOT = Path(__file__).parents[2]
WORKER = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "--burst")


def runs(page: Page) -> list[str]:
    """The jobs that the address names."""
    return parse_qs(urlsplit(page.url).query).get("run", [])


def test_a_message_is_sent_and_its_run_is_watched_to_its_result(
    by_keys: Visit, redis: Redis, redis_server: Server, start_warm: StartProcess
) -> None:
    page = by_keys("/messages/TEST", Role.ADMIN)
    press(page, "Send to development")

    watched = page.get_by_role("region", name="Runs you sent")
    expect(watched.get_by_role("listitem").first).to_contain_text("Waits, for")
    (job_id,) = runs(page)
    assert get_job_status(job_id, connection=redis)["messageType"] == "TEST"
    start_warm("rq", *WORKER, "default", cwd=ROOT, env={"REDIS_URL": redis_server.url})
    expect(watched).to_contain_text("Succeeded")
    expect(watched.get_by_label("Result")).to_contain_text("echo")
    page.reload()
    expect(watched).to_contain_text("Succeeded")
    expect(page.get_by_role("img", name="Run time in 24 hours, of 1:")).to_be_visible()
    ask(page, "Clear ended jobs of default", "Clear 1 ended job of default?")


def test_another_example_is_changed_and_sent_with_options(by_keys: Visit, redis: Redis) -> None:
    page = by_keys("/messages?run=gone")
    press(page, "EMAIL")
    page.wait_for_url("**/messages/EMAIL?**")
    tab_to(page, "Fill from")
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**example=1**")
    expect(page.get_by_label("Fill from")).to_be_focused()
    assert runs(page) == ["gone"]
    form = page.locator("#send")
    expect(form.get_by_label("to text")).to_have_value("grace@example.com")
    write(page, to_text="mia@example.com")
    press(page, "Queue, priority, delay")
    write(page, Queue_text="late")
    choose(page, "Priority", "high")
    write(page, Delay="60000", Unique_key="mia-1")
    press(page, "Send to")

    expect(page.locator("#runs")).to_contain_text("Waits for its time")
    status = get_job_status(runs(page)[-1], connection=redis)
    assert (status["queue"], status["priority"], status["status"]) == ("late", "high", "scheduled")
    assert get_job_detail(runs(page)[-1], connection=redis)["message"]["data"] == {
        "to": "mia@example.com",
        "subject": "Welcome",
        "template": "welcome",
        "templateData": {"name": "Grace"},
    }


def test_a_message_of_streams_is_sent_to_its_stream_and_seen_there(
    by_keys: Visit, redis: Redis
) -> None:
    page = by_keys("/messages/BUILD", Role.ADMIN)
    press(page, "Queue, priority, delay")
    write(page, Queue_text="late")
    press(page, "Send to its stream")
    expect(page.get_by_role("alert")).to_contain_text("options.queue")
    tab_to(page, "Queue text", back=True)
    write(page, Queue_text="")
    choose(page, "Priority", "high")
    press(page, "Send to its stream")

    expect(page.locator("#entry")).to_contain_text("Waiting build high, came")
    ((entry_id, fields),) = redis.xrange("raibid:jobs:high")
    expect(page.locator("#entry h2")).to_contain_text(entry_id.decode())
    example = message_types()["BUILD"].examples[0]
    assert fields[b"repository"].decode() == example["repository"]
    assert not redis.exists(keys.queue("builds"))


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent(visit: Visit, redis: Redis) -> None:
    page = visit("/messages/EMAIL", Role.ADMIN)
    field = page.locator("#send").get_by_label("to text")
    field.fill("nobody")
    field.press("Enter")

    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.locator("#send [data-error]")).to_contain_text("Not sent:")
    assert runs(page) == []
    assert not Queue("email", connection=redis).get_job_ids()


def test_the_data_can_be_written_as_json(by_keys: Visit, redis: Redis) -> None:
    page = by_keys("/messages/TEST", Role.ADMIN)
    press(page, "JSON")
    page.wait_for_url("**form=json**")
    write(page, data_object='{"testType": "by hand"}')
    press(page, "Send to")

    expect(page.locator("#runs")).to_contain_text("Waits, for")
    message = get_job_detail(runs(page)[0], connection=redis)["message"]
    assert message["data"]["testType"] == "by hand"


def test_who_may_only_look_sees_all_and_sends_nothing(by_keys: Visit, redis: Redis) -> None:
    job_id = bury_message(redis, email())
    pauses.pause("type", "EMAIL", by=By("anna", "a leak"), connection=redis)
    page = by_keys(f"/messages/EMAIL?run={job_id}&run=gone-1&run={job_id}", Role.MODERATOR)

    button = page.locator("#send").get_by_role("button", name="Send to")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "This needs the role ADMIN")
    expect(page.locator(".catl a")).to_have_count(len(message_types()))
    expect(page.locator(".catl [aria-current]")).to_contain_text("paused")
    expect(page.get_by_role("row").filter(has_text="to").first).to_contain_text("searchable")
    expect(page.locator("#runs")).to_contain_text("Failed")
    dialog = ask(page, "Schema and code", "EMAIL in code")
    expect(dialog.get_by_label("JSON Schema")).to_contain_text('"templateData"')
    expect(dialog.get_by_label("Python")).to_contain_text("enqueue(new_message('EMAIL'")


def test_it_is_for_everyone_and_light(visit: Visit, redis: Redis) -> None:
    job_id = bury_message(redis, email())
    page = visit(f"/messages/WORKOUT_UPDATE?run=gone&run={job_id}")

    assert sum(weight(page).values()) <= MOST_BYTES, weight(page)
    assert barriers(page) == []
