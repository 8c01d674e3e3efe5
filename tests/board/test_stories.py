"""What people on call live through: they are told, look, mend it, and all is calm again."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect
from redis import Redis
from rq.utils import utcformat

from monitoring.alerts import Alerter, AlertSettings, get_alerts
from monitoring.web.app import create_app
from monitoring.web.settings import WebSettings
from tests.board.conftest import Visit
from tests.board.keys import ask, asked, press, write
from tests.faults.own_server import OwnServer, own_server
from tests.monitoring.alerts.sinks import Sink
from tests.monitoring.api.tokens import SECRET
from tests.processes import StartProcess
from tests.processes import ask_until_true as eventually
from tests.workers.conftest import message
from workers import Settings, dead_letters, enqueue, keys, pauses
from workers.audit import By
from workers.clock import utc_now
from workers.errors import StorageUnavailable

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a service that is asked

ROOT = Path(__file__).parents[2]
WORKER = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings")

RULES = """
[rules.waiting]
threshold = 0
for_seconds = 0
[rules.dead_letters]
threshold = 0
[rules.new_dead_letters]
enabled = false
"""


@dataclass(frozen=True)
class Pager:
    """What the person on call has in the pocket; the rules are evaluated when it is looked at."""

    sink: Sink
    alerter: Alerter
    redis: Redis

    def told(self, rule: str) -> list[str]:
        """What was told of a rule by now: `fired`, `resolved`."""
        assert self.alerter.tick()
        return [kind for kind, of, *_ in self.sink.notices if of == rule]

    def is_calm(self) -> bool:
        """Whether no alert holds any more."""
        self.alerter.tick()
        return not get_alerts(connection=self.redis, rules=self.alerter.rules)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def alerts(sink: Sink, tmp_path: Path) -> AlertSettings:
    """The shipped rules, but no test waits for a minute or has a thousand dead letters."""
    path = tmp_path / "alerts.toml"
    path.write_text(RULES)
    return AlertSettings(
        alert_channels=f"pager={sink.url}/hook",
        alert_webhook_secret="0123456789abcdef",
        alert_private_addresses=True,
        alert_rules=path,
    )


@pytest.fixture
def app(redis: Redis, alerts: AlertSettings) -> FastAPI:
    settings = WebSettings(postroom_secret=SECRET, live_seconds=0.1)
    return create_app(connection=redis, settings=settings, alerts_settings=alerts)


@pytest.fixture
def pager(redis: Redis, sink: Sink, alerts: AlertSettings) -> Pager:
    return Pager(sink, Alerter(connection=redis, settings=alerts, engine=Settings()), redis)


@pytest.fixture
def work(redis: Redis, start_warm: StartProcess, tmp_path: Path) -> Callable[[str], None]:
    """Start a real worker of `default` for the server at an address."""

    def _work(url: str) -> None:
        env = {"REDIS_URL": url, "HANDLER_PACKAGES": "tests.workers.app"}
        env["TRACE"] = str(tmp_path / "trace")
        worker = start_warm("rq", *WORKER, "default", cwd=ROOT, env=env)
        worker.wait_for("Listening on", within=20)

    return _work


def calm(page: Page) -> None:
    """The overview has nothing to say."""
    expect(page.locator("h1")).to_have_text("All is well.")


def test_paused_a_queue_goes_on_that_only_the_overview_tells_of(
    by_keys: Visit, redis, redis_server, pager: Pager, work
) -> None:
    work(redis_server.url)
    pauses.pause("queue", "default", by=By("anna", "a leak"), connection=redis)
    jobs = [enqueue(message(), connection=redis) for _ in range(3)]
    assert pager.told("waiting") == []  # it is meant to stand still: nobody is woken up for it

    page = by_keys("/")
    expect(page.locator("h1")).to_contain_text("Queue default is paused by anna")
    dialog = ask(page, "Resume", "Resume default?")
    expect(dialog).to_contain_text("a leak")
    write(page, Reason="It is mended")
    press(page, "Resume default")

    assert [job.wait(10)["echo"] for job in jobs] == ["echo"] * 3
    assert not pauses.is_paused("queue", "default", connection=redis)
    eventually(pager.is_calm)
    calm(page)


def test_stuck_a_job_is_stopped_and_sent_again(
    by_keys: Visit, redis, redis_server, pager: Pager, work
) -> None:
    work(redis_server.url)
    job = enqueue(message("sleep once", new_value=300), connection=redis)
    eventually(lambda: job.status() == "started")
    hours_ago = utcformat(utc_now() - timedelta(hours=3))
    redis.hset(keys.job(job.id), "started_at", hours_ago)
    eventually(lambda: pager.told("stuck") == ["fired"])

    page = by_keys("/")
    expect(page.locator("h1")).to_contain_text(f"Job {job.id} of default has been running for 3 h")
    ask(page, "Stop or retry…", "Stop TEST?")
    write(page, Reason="It hangs")
    press(page, "Stop TEST")
    eventually(lambda: job.status() == "stopped")
    expect(page.locator("#sentence")).to_contain_text("Stopped")
    press(page, "Retry…")
    write(page, Reason="The other side is up")
    page.keyboard.press("Enter")

    expect(page.locator("#sentence")).to_contain_text("Succeeded")
    press(page, "Overview")
    eventually(pager.is_calm)
    calm(page)
    assert pager.told("stuck") == ["fired", "resolved"]


def test_poison_is_corrected_tried_and_replayed(
    by_keys: Visit, redis, redis_server, pager: Pager, work
) -> None:
    work(redis_server.url)
    jobs = [enqueue(message("permanent"), connection=redis) for _ in range(2)]
    eventually(lambda: [job.status() for job in jobs] == ["failed"] * 2)
    eventually(lambda: pager.told("dead_letters") == ["fired"])

    page = by_keys("/")
    expect(page.locator("h1")).to_contain_text("2 messages of default died")
    press(page, "Open group")
    page.wait_for_url("**/failures/**")
    write(page, testType="echo", Reason="A slip of the pen")
    page.keyboard.press("Enter")
    expect(page.locator("#step1")).to_contain_text("ann changed 1 value")
    ask(page, "Try this one…", "Try this one?")
    write(page, Reason="Does it work now?")
    page.keyboard.press("Enter")
    expect(page.locator("#step2")).to_contain_text("1 of 1 succeeded")
    press(page, "The same change to it…")
    asked(page, re.compile("Replay 1 dead letter"))
    write(page, Reason="The trial went well")
    press(page, "Replay 1")

    eventually(lambda: dead_letters.count(connection=redis) == 0)
    eventually(lambda: redis.zcard(keys.finished("default")) == 2)
    press(page, "Overview", back=True)
    eventually(pager.is_calm)
    calm(page)
    assert pager.told("dead_letters") == ["fired", "resolved"]


class TestWithoutRedis:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[OwnServer]:
        with own_server(tmp_path / "server") as server:
            yield server

    @pytest.fixture
    def redis(self, server: OwnServer) -> Iterator[Redis]:
        with server.client() as client:
            yield client

    def test_redis_comes_back_and_work_goes_on_by_itself(
        self, visit: Visit, server: OwnServer, pager: Pager, work
    ) -> None:
        work(server.url)
        page = visit("/messages/TEST")
        field = page.locator("#send").get_by_label("testType")
        field.fill("half a word")
        overview = page.context.new_page()
        overview.goto(page.url.replace("messages/TEST", ""))
        calm(overview)

        server.kill()
        with pytest.raises(StorageUnavailable):  # no alert is told: the board itself must say it
            pager.alerter.tick()
        for each in (overview, page):  # what it shows stays, and says how old it is
            expect(each.locator("#stale")).to_contain_text("Redis")
            expect(each.locator("#stale")).to_contain_text("REDIS_URL")
            expect(each.locator("#health")).to_contain_text("Redis is away")
            expect(each.locator("#age")).to_contain_text("s old")
        late = page.context.new_page()
        late.goto(overview.url)
        expect(late.locator("h1")).to_contain_text("Redis")

        server.start()
        for each in (overview, late):
            calm(each)
            expect(each.locator("#stale")).to_be_hidden()
            expect(each.locator("#health")).not_to_contain_text("away")
        expect(page.locator("#stale")).to_be_hidden()
        expect(field).to_have_value("half a word")
        job = enqueue(message(), connection=pager.redis)
        assert job.wait(15)["echo"] == "echo"
        eventually(pager.is_calm)
        calm(overview)
