"""Every time that the API tells is UTC and has one form, the one that requirement 001 shows."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from redis import Redis
from rq.utils import utcformat

from monitoring.alerts import alert
from monitoring.alerts.notice import About, Notice
from monitoring.web.app import closed_routers
from monitoring.web.auth import declared
from monitoring.web.identity import Role
from tests.fuzz.data import fill
from tests.monitoring.api.leaving import first_bytes
from tests.workers.conftest import message
from tests.workers.letters import bury_message, email
from tests.workers.takers import Taker
from workers import (
    By,
    attempts,
    dead_letters,
    deploys,
    enqueue,
    failure_groups,
    keys,
    pauses,
    retry_job,
    watch_keys,
)
from workers.attempts import AttemptRecord
from workers.clock import shown_text
from workers.job_log import JobLog
from workers.jobs import note_failure

ANN = By("ann", "to have one")
LOOKS_LIKE_ONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OF_OTHERS = {"message", "job_data", "schema", "example", "examples"}
"""What their senders wrote stays as it is."""
KIND = "0123456789ab"
NOW = datetime.now(UTC)


def seed(redis: Redis) -> dict[str, list[str]]:
    """Something of all that has a time; returns what the places of paths may name."""
    places = {name: list(found) for name, found in fill(redis).items()}
    places["job_id"] += [*_retried(redis), _held(redis), _running(redis)]
    _failures(redis)
    _alerts(redis)
    deploys.mark("1.4", actor="ann", connection=redis)
    dead_letters.edit(places["job_id"][4], {"subject": "New"}, by=ANN, connection=redis)
    return places | {"fingerprint": [KIND], "consumer": ["none"], "path:path": [""]}


def _retried(redis: Redis) -> Iterator[str]:
    for replayed in (True, False):
        job_id = enqueue(sent := email(), connection=redis).id
        for outcome in ("retried", "dead"):
            entry = AttemptRecord(
                1, outcome, "builtins.OSError", "no disk", started_at=NOW.isoformat()
            )
            attempts.record(entry, job_id=job_id, ttl=99, connection=redis)
        times = dict.fromkeys(("started_at", "ended_at"), utcformat(NOW))
        redis.hset(keys.job(job_id), mapping={"status": "failed", **times})
        redis.zadd(keys.failed("email"), {job_id: NOW.timestamp() + 99})
        log = JobLog(job_id=job_id, connection=redis, ttl=99, ttl_if_done=99)
        log.keep({"timestamp": NOW.isoformat(), "level": "info", "event": "line_written"})
        log.close()
        bury_message(redis, sent)
        if replayed:
            retry_job(job_id, by=ANN, connection=redis)
        yield job_id


def _held(redis: Redis) -> str:
    """A job that a pause holds back, as its worker has set it aside."""
    job_id = enqueue(message(), connection=redis).id
    pauses.pause("type", "TEST", by=ANN, connection=redis)
    Taker(redis).take_all()
    return job_id


def _running(redis: Redis) -> str:
    job_id = enqueue(email(9), queue="busy", connection=redis).id
    Taker(redis, "busy").lease()
    began = utcformat(NOW - timedelta(hours=3))
    redis.hset(keys.job(job_id), mapping={"status": "started", "started_at": began})
    return job_id


def _failures(redis: Redis) -> None:
    entry = AttemptRecord(1, "dead", "builtins.OSError", "no disk", fingerprint=KIND)
    note_failure(entry, list_name="email", kind="EMAIL", job_id="one", connection=redis)
    failure_groups.mute(KIND, by=ANN, connection=redis)
    redis.hset(keys.failure(KIND), "reopened", 1_800_000_000_000)


def _alerts(redis: Redis) -> None:
    told = alert.Alert("waiting", "email", NOW, 200.0, "It waits.", NOW, NOW, is_told=True)
    redis.hset(watch_keys.alerts(), "waiting email", alert.as_text(told))
    old = About("email", 2.0, NOW.isoformat())  # as releases before this one wrote it
    texts = dict.fromkeys(("installation", "title", "text", "remedy"), "")
    notice = Notice(
        "one",
        "fired",
        "waiting",
        "warning",
        "waiting",
        "> 1",
        NOW.isoformat(),
        **texts,
        alerts=(old,),
        count=1,
    )
    redis.xadd(watch_keys.alert_history(), {"entry": json.dumps(asdict(notice))})


def times(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """All texts in an answer that look like a time, by the name of their field."""
    if isinstance(value, dict):
        for field, each in value.items():
            if field not in OF_OTHERS:
                yield from times(each, field)
    elif isinstance(value, list):
        for each in value:
            yield from times(each, name)
    elif isinstance(value, str) and LOOKS_LIKE_ONE.match(value):
        yield name, value


def asked(places: dict[str, list[str]]) -> Iterator[str]:
    """The addresses of all routes that look, with each thing that there is."""
    for route in declared(closed_routers()):
        if "GET" not in route.methods or route.path.startswith("/rq"):
            continue
        names = re.findall(r"{(\w+)}", route.path)
        for values in product(*(places.get(name, ["none"]) for name in names)):
            yield route.path.format(**dict(zip(names, values, strict=True)))
    yield from ("/api/search?q=type:EMAIL", "/api/search?q=state:failed", "/api/jobs?state=failed")


def answer_of(client: Any, path: str) -> Any:
    if path.endswith("/live"):
        text = first_bytes(client, path).text
        return [json.loads(each) for each in re.findall(r"^data: (.+)$", text, re.MULTILINE)]
    answer = client.get(path)
    return answer.json() if answer.headers["content-type"].startswith("application/json") else None


def test_every_time_has_one_form(redis, moderator, register) -> None:
    places = seed(redis)
    register(redis, "busy", birth=NOW, last_heartbeat=NOW)

    found = [
        (path, name, time)
        for path in asked(places)
        for name, time in times(answer_of(moderator, path))
    ]

    assert [each for each in found if not FORM.fullmatch(each[2])] == []
    told = {name for _, name, _ in found}
    assert told >= {
        *("timestamp", "at", "until", "since", "firedAt", "announcedAt", "firstSeen", "lastSeen"),
        *("createdAt", "enqueuedAt", "startedAt", "endedAt", "dueAt", "buriedAt", "failedAt"),
        *("replayedAt", "reopenedAt"),
    }


def test_every_time_that_a_tenant_is_told_has_it_too(redis, bearing) -> None:
    places = seed(redis)
    mine = email(7).model_copy(update={"metadata": {"tenant": "7"}})
    enqueue(mine, connection=redis)
    bury_message(redis, mine)
    places["job_id"] = [mine.message_id]

    found = [
        (path, name, time)
        for path in asked(places)
        for name, time in times(answer_of(bearing(Role.MODERATOR, tenant="7"), path))
    ]

    assert [each for each in found if not FORM.fullmatch(each[2])] == []
    assert {name for _, name, _ in found} >= {"createdAt", "buriedAt", "failedAt"}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-01-22T10:30:00+00:00", "2026-01-22T10:30:00.000Z"),
        ("2026-01-22T10:30:00.123999Z", "2026-01-22T10:30:00.123Z"),
        ("2026-01-22T12:30:00+02:00", "2026-01-22T10:30:00.000Z"),
        ("2026-01-22T10:30:00", "2026-01-22T10:30:00.000Z"),
        ("at noon", "at noon"),
        ("", ""),
    ],
)
def test_a_time_is_shown_alike_however_it_was_stored(stored: str, shown: str) -> None:
    assert shown_text(stored) == shown
