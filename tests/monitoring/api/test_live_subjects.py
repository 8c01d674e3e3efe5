"""What streams tell: one queue, a job's log, many queues, and that Redis is away."""

from pathlib import Path

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from monitoring.live.pace import Pace
from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from postroom.address import free_port
from postroom.programs import find_server
from tests.monitoring.api.tokens import SECRET, refusal, token_of
from tests.monitoring.api.watching import QUEUES, Event, Stream, Watch, numbers, row_of, served
from tests.processes import Eventually, StartProcess
from tests.workers.conftest import message
from tests.workers.takers import Taker
from tests.workers.test_job_log import event as line
from workers import By, enqueue, keys, pauses
from workers.connection import connect
from workers.job_log import JobLog
from workers.settings import Settings

BEGAN = 1_768_478_400.0  # 2026-01-15 12:00 UTC


@pytest.fixture
def web() -> WebSettings:
    return WebSettings(postroom_secret=SECRET, live_seconds=0.05)


# --- one queue ------------------------------------------------------------------------------


def run_one(redis: Redis, queue: str) -> str:
    """A job that a worker has and has begun; returns its id."""
    handle = enqueue(NoteEnrichmentMessage.of("n"), queue=queue, connection=redis)
    taker = Taker(redis, queue)
    (lease,) = taker.lease()
    assert taker.leases.show(lease, started=BEGAN, ttl=90)
    return handle.id


def test_the_stream_of_a_queue_shows_what_runs_in_it(redis: Redis, watch: Watch) -> None:
    stream = watch("/admin/jobs/queue/email/live")
    before = stream.next()
    run_one(redis, "default")
    job_id = run_one(redis, "email")
    # Counts and jobs are read one after the other, so a look may meet the job between the two.
    shown = stream.until(lambda event: event.data["activeJobs"] and event.data["active"])[-1]

    assert before is not None
    assert before.data["activeJobs"] == []
    assert (shown.data["queueName"], shown.data["active"]) == ("email", 1)
    (job,) = shown.data["activeJobs"]
    assert job["jobId"] == job_id
    assert job["jobName"] == "NOTE_ENRICHMENT"
    assert job["startedAt"] == "2026-01-15T12:00:00.000Z"
    assert job["worker"]


def test_a_job_that_is_leased_and_not_seen_to_run_has_no_time(redis: Redis, moderator) -> None:
    for _ in range(60):
        enqueue(message(), queue="email", connection=redis)
    Taker(redis, "email").lease(60)
    shown = moderator.get("/admin/jobs/queue/email").json()

    assert (shown["active"], len(shown["activeJobs"])) == (60, 50)
    assert {(job["startedAt"], job["worker"]) for job in shown["activeJobs"]} == {(None, None)}


@pytest.mark.parametrize("path", ["/admin/jobs/queue/emial/live", "/admin/jobs/queue/emial"])
def test_a_queue_that_nobody_knows_has_no_stream(moderator, path: str) -> None:
    answer = moderator.get(path)

    assert (answer.status_code, refusal(answer)) == (404, "queue_not_found")


# --- the log of a job -----------------------------------------------------------------------


@pytest.fixture
def log(redis: Redis) -> JobLog:
    job = enqueue(message(), queue="email", connection=redis)
    return JobLog(job_id=job.id, connection=redis, ttl=1000, ttl_if_done=100)


def write(log: JobLog, *texts: str) -> None:
    for text in texts:
        log.keep(line(text=text))
    log.flush()


def texts(events: list[Event]) -> list[tuple[str, str]]:
    return [(each.number, each.data["text"]) for each in events]


def test_a_log_is_followed_line_by_line_from_any_line_on(log: JobLog, watch: Watch) -> None:
    path = f"/admin/jobs/{log.job_id}/logs/live"
    write(log, "a", "b")
    stream = watch(path)
    first = stream.take(2)
    write(log, "c")
    first += stream.take(1)
    again = watch(path, last_id="1").take(2)
    write(log, "d")

    assert texts(first) == [("1", "a"), ("2", "b"), ("3", "c")]
    assert texts(again) == [("2", "b"), ("3", "c")]
    assert texts(stream.take(1)) == [("4", "d")]


def test_who_is_new_to_a_log_gets_its_last_hundred_lines(log: JobLog, watch: Watch) -> None:
    write(log, *(str(number) for number in range(1, 151)))
    found = texts(watch(f"/admin/jobs/{log.job_id}/logs/live").take(100))

    assert (found[0], found[-1]) == (("51", "51"), ("150", "150"))


def test_a_job_that_nobody_knows_has_no_log(moderator) -> None:
    answer = moderator.get("/admin/jobs/none-such/logs/live")

    assert (answer.status_code, refusal(answer)) == (404, "job_not_found")


# --- who polls ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "polled"),
    [
        (QUEUES, QUEUES),
        ("/admin/jobs/queue/email/live", "/admin/jobs/queue/email"),
    ],
)
def test_who_polls_is_told_the_same(redis: Redis, watch: Watch, moderator, stream, polled) -> None:
    run_one(redis, "email")
    enqueue(message(), queue="email", connection=redis)
    event = watch(stream).next()
    answer = moderator.get(polled, headers={"Accept": "application/json"}).json()

    assert event is not None
    assert list(event.data) == list(answer)
    assert event.data | {"timestamp": ""} == answer | {"timestamp": ""}


def test_how_many_are_stuck_is_told_beyond_the_shape_of_the_requirement(
    redis: Redis, moderator
) -> None:
    run_one(redis, "email")
    told = moderator.get(QUEUES, headers={"Accept": "application/json"}).json()
    metrics = moderator.get("/admin/jobs/metrics").json()

    assert told.pop("stuck") == 1
    assert {**told, "timestamp": ""} == {**metrics, "timestamp": ""}  # perhaps of another look


def test_nothing_is_sent_again_while_nothing_but_the_time_has_changed(
    redis: Redis, moderator, eventually: Eventually
) -> None:
    def ask(tag: str = ""):
        return moderator.get("/admin/jobs/metrics", headers={"If-None-Match": tag})

    first = ask()
    tag = first.headers["ETag"]
    same = ask(f'"other", {tag}')
    enqueue(message(), queue="email", connection=redis)
    changed = eventually(lambda: (answer := ask(tag)).status_code == 200 and answer)

    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert changed.headers["ETag"] != tag
    assert changed.json()["totals"]["waiting"] == 1


def test_an_action_over_http_is_told_to_who_polls_at_once(redis: Redis, web, bearing) -> None:
    admin = bearing(Role.ADMIN)
    admin.app.state.live.pace = Pace(seconds=60)
    assert not row_of(admin.get("/admin/jobs/metrics").json(), "email")["paused"]
    admin.patch("/admin/jobs/queue/email/pause")

    assert row_of(admin.get("/admin/jobs/metrics").json(), "email")["paused"]


# --- many queues ----------------------------------------------------------------------------


def test_an_event_of_five_queues_is_small(redis: Redis, monkeypatch, web: WebSettings) -> None:
    monkeypatch.setenv("QUEUES", ",".join(f"a-rather-long-name-{n}" for n in range(5)))
    bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}
    with (
        served(create_app(connection=redis, settings=web)) as port,
        Stream(port, QUEUES, **bearer) as stream,
    ):
        sizes = [event.size for event in stream.take(3)]

    assert max(sizes) <= 4_096


def test_of_many_queues_only_those_that_changed_are_sent_after_the_first_event(
    redis: Redis, watch: Watch
) -> None:
    redis.sadd(keys.queues(), *(keys.queue(f"many-{number:03}") for number in range(190)))
    stream = watch()
    first, second = stream.take(2)
    pauses.pause("queue", "many-007", by=By("ann", "a test"), connection=redis)
    third = stream.until(lambda event: event.data["queues"])[-1]
    redis.srem(keys.queues(), keys.queue("many-008"))
    fourth = stream.until(lambda event: event.data["removed"])[-1]
    newcomer = watch().next()

    assert len(first.data["queues"]) == 200
    assert "partial" not in first.data
    assert (second.data["queues"], second.data["partial"]) == ([], True)
    assert second.size < 400
    assert [row["queueName"] for row in third.data["queues"]] == ["many-007"]
    assert fourth.data["removed"] == ["many-008"]
    assert newcomer is not None
    assert len(newcomer.data["queues"]) == 199


# --- Redis is away --------------------------------------------------------------------------


def test_that_redis_is_away_is_told_once_and_it_heals_by_itself(
    start_process: StartProcess, web: WebSettings, tmp_path: Path
) -> None:
    port = free_port()
    command = (find_server(), "--port", str(port), "--save", "")
    server = start_process(*command, cwd=tmp_path)
    server.wait_for("Ready to accept connections")
    settings = Settings(redis_url=f"redis://127.0.0.1:{port}/0", redis_timeout=1)
    bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}
    with (
        connect(settings) as client,
        served(create_app(connection=client, settings=web)) as http,
        Stream(http, QUEUES, **bearer) as stream,
    ):
        before = stream.take(2)
        server.end()
        away = stream.until(lambda event: event.name)[-1]
        with Stream(http, QUEUES, **bearer) as late:
            told_late = late.next()
        again = start_process(*command, cwd=tmp_path)
        again.wait_for("Ready to accept connections")
        back = stream.until(lambda event: not event.name)
        again.end()

    assert (away.name, away.number) == ("unavailable", "")
    assert sorted(away.data["error"]) == ["code", "field", "message", "remedy"]
    assert away.data["error"]["code"] == "redis_unavailable"
    assert told_late is not None
    assert (told_late.name, told_late.data) == (away.name, away.data)
    assert len(back) == 1
    assert numbers(back)[0] > numbers(before)[-1]
