import io
import json
import os
import smtplib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage as Mail
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rich.console import Console

from messages import TestMessage, examples_of, message_types
from postroom.demo.display import screen
from postroom.demo.effects import Finding, Mails
from postroom.demo.neighbours import refuse_neighbours
from postroom.demo.standins import GREYLISTED, LONG_TEXT, mail_server, text_service
from postroom.demo.surroundings import Surroundings
from postroom.demo.tracker import Seen, Tracker
from postroom.demo.traffic import Expected
from postroom.demo.world import RUN
from postroom.embedded import Origin, Server
from postroom.errors import DataInUse, ServerUnavailable
from postroom.supervisor import Supervised
from workers import MessageWorker, Settings, enqueue
from workers.attempts import AttemptRecord

TASK = "Answer with `title` and `markdown`."


def _mail(recipient: str) -> Mail:
    mail = Mail()
    mail["From"], mail["To"], mail["Message-ID"] = "us@here.example", recipient, "<abc@here>"
    mail.set_content("hello")
    return mail


def test_a_greylisted_recipient_is_told_to_wait_once_and_then_gets_the_mail(
    tmp_path: Path,
) -> None:
    mails = Mails(tmp_path / "mails")
    with mail_server(tmp_path / "mails") as port, smtplib.SMTP("127.0.0.1", port) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="451"):
            client.send_message(_mail(f"ada@{GREYLISTED}"))
        assert mails.find("abc") is None

        client.send_message(_mail(f"ada@{GREYLISTED}"))

    found = mails.find("abc")
    assert found is not None
    assert found["To"] == f"ada@{GREYLISTED}"


def test_mails_of_earlier_runs_are_not_found(tmp_path: Path) -> None:
    with mail_server(tmp_path / "mails") as port, smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(_mail("ada@example.com"))

    assert Mails(tmp_path / "mails").find("abc") is None


def test_a_long_text_is_told_once_to_come_back_and_then_answered() -> None:
    text = f"leg day!!\n* squats{' and more' * LONG_TEXT}"
    asked = {"messages": [{"content": TASK}, {"content": text}]}
    with text_service() as url:
        first, second = _ask(url, asked), _ask(url, asked)

    assert (first[0], first[1]) == (429, "1")
    content = json.loads(_answered(second)["choices"][0]["message"]["content"])
    assert content["title"] == "leg day!!"
    assert content["markdown"].startswith("leg day!!\n\n* squats and more")


def test_a_short_text_is_answered_at_once() -> None:
    schema: dict[str, Any] = {"properties": {"distance": {}, "pace": {}}}
    text = json.dumps({"activity": "Run", "schema": schema})
    with text_service() as url:
        told = _ask(url, {"messages": [{"content": "Answer with `body`."}, {"content": text}]})

    content = json.loads(_answered(told)["choices"][0]["message"]["content"])
    assert "$distance" in content["body"]
    assert "$pace" in content["body"]


def _answered(told: tuple[int, str | None, Any]) -> Any:
    assert told[0] == 200
    return told[2]


def _ask(url: str, body: dict[str, Any]) -> tuple[int, str | None, Any]:
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return answer.status, None, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"], json.load(error)


@pytest.fixture
def worker(redis: Redis) -> Iterator[MessageWorker]:
    one = MessageWorker(["email"], connection=redis)
    one.register_birth()  # type: ignore[no-untyped-call]
    yield one
    one.register_death()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("origin", ["given", "started", "joined"])
def test_an_empty_server_and_the_demos_own_jobs_are_no_neighbours(
    redis: Redis, origin: Origin
) -> None:
    refuse_neighbours(redis, origin=origin)

    own = examples_of("EMAIL")[0].model_copy(update={"metadata": {RUN: "1"}})
    enqueue(own, connection=redis, settings=Settings())

    refuse_neighbours(redis, origin=origin)


def test_somebody_elses_jobs_are_not_taken_from_them(redis: Redis) -> None:
    enqueue(examples_of("EMAIL")[0], connection=redis, settings=Settings())

    with pytest.raises(ServerUnavailable, match="0 workers, 1 waiting") as caught:
        refuse_neighbours(redis, origin="given")

    assert caught.value.field == "REDIS_URL"


def test_what_waits_on_a_server_of_our_own_may_be_worked_off(redis: Redis) -> None:
    enqueue(examples_of("EMAIL")[0], connection=redis, settings=Settings())

    refuse_neighbours(redis, origin="started")


def test_somebody_elses_workers_are_not_given_jobs(redis: Redis, worker: MessageWorker) -> None:
    for host, pid in ((socket.gethostname(), os.getpid()), ("elsewhere", 2**22 + 1)):
        redis.hset(worker.key, mapping={"hostname": host, "pid": pid})

        with pytest.raises(ServerUnavailable, match="1 workers, 0 waiting"):
            refuse_neighbours(redis, origin="given")


@pytest.mark.usefixtures("worker")
def test_a_second_demo_on_the_same_data_is_refused(redis: Redis) -> None:
    with pytest.raises(DataInUse, match="runs here already, with 1 workers") as caught:
        refuse_neighbours(redis, origin="joined")

    assert "DATA_DIR" in caught.value.remedy


@pytest.mark.parametrize("origin", ["given", "joined"])
def test_a_worker_of_this_machine_that_was_killed_is_no_neighbour(
    redis: Redis, worker: MessageWorker, origin: Origin
) -> None:
    redis.hset(worker.key, mapping={"hostname": socket.gethostname(), "pid": 2**22 + 1})

    refuse_neighbours(redis, origin=origin)


def _seen(finding: Finding, **expected: Any) -> Seen:
    message = examples_of("TEST")[0]
    assert isinstance(message, TestMessage)
    return Seen(Expected(message, "echo", **expected), finding, datetime.now(UTC))


RETRY = AttemptRecord(1, "retried", "E", "the server answered 451", delay_seconds=1.5, why="so")


@pytest.mark.parametrize(
    ("finding", "expected", "complaint"),
    [
        (Finding("done"), {}, ""),
        (Finding(), {}, "no effect was found"),
        (Finding("dead"), {}, "should have ended done"),
        (Finding("done"), {"ends": "dead"}, "should have ended dead"),
        (Finding("dead", reason="permanent"), {"ends": "dead", "reason": "permanent"}, ""),
        (
            Finding("dead", reason="exhausted"),
            {"ends": "dead", "reason": "permanent"},
            "the dead letter's reason is exhausted, not permanent",
        ),
        (Finding("done", retries=(RETRY,)), {"retried_for": "451"}, ""),
        (Finding("done"), {"retried_for": "451"}, "no attempt failed with 451"),
        (Finding("done", retries=(RETRY,)), {"retried_for": "429"}, "no attempt failed with 429"),
    ],
)
def test_a_message_must_end_as_expected_and_by_the_way_expected(
    finding: Finding, expected: dict[str, Any], complaint: str
) -> None:
    seen = _seen(finding, **expected)

    assert seen.complaint == complaint
    assert seen.is_right == (complaint == "")


@pytest.mark.parametrize("height", [24, 40])
def test_the_picture_fits_the_terminal_and_shows_every_type(
    redis: Redis, tmp_path: Path, height: int
) -> None:
    tracker = Tracker(redis, Settings(), Mails(tmp_path))
    for number in range(30):
        retries = (RETRY,) * (number % 3)
        tracker.ended.append(_seen(Finding("done", f"effect {number}", 4711, retries=retries)))
    server = Server("redis://127.0.0.1:1/0", "started")
    urls = {"web": "http://127.0.0.1:8000/login?code=abc"}
    surroundings = Surroundings(server, Supervised(()), tmp_path, urls)
    height += max(0, len(message_types()) - 8)  # types that other tests of this process declared
    console = Console(width=80, height=height, file=io.StringIO(), record=True)

    console.print(screen(tracker, surroundings, "Postroom demo", height))

    lines = console.export_text().rstrip("\n").split("\n")
    assert len(lines) <= height
    for name in (*message_types(), "effect 29", urls["web"]):
        assert any(name in line for line in lines), name
