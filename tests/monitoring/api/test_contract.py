"""Paths, parameters and answers as the requirements have them (`tests/contract` has their JSON)."""

from datetime import timedelta
from typing import Any

from redis import Redis

from tests.contract.shape import contract, shape
from tests.workers.conftest import message
from tests.workers.letters import bury_message, email
from tests.workers.takers import Taker
from workers import enqueue, keys, publish
from workers.clock import utc_now


def names_of(value: Any) -> list[str]:
    return [name for name, _ in shape(value)]


def stuck_for(redis: Redis, minutes: int) -> str:
    """A job that runs, as its worker has written it down, for so long."""
    job_id = enqueue(message(), connection=redis).id
    Taker(redis).lease()
    began = (utc_now() - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    redis.hset(keys.job(job_id), mapping={"status": "started", "started_at": began})
    return job_id


def test_metrics(moderator) -> None:
    told = moderator.get("/admin/jobs/metrics").json()

    assert shape(told) == shape(contract("001_metrics"))


def test_trends_of_a_day_unless_another_period_is_asked_for(moderator) -> None:
    told = moderator.get("/admin/jobs/trends").json()

    assert shape(told) == shape(contract("001_trends"))
    assert {row["period"] for row in told} == {"24h"}
    for period in ("7d", "30d"):
        rows = moderator.get("/admin/jobs/trends", params={"period": period}).json()
        assert {row["period"] for row in rows} == {period}


def test_a_period_that_there_is_not_is_refused(moderator) -> None:
    answer = moderator.get("/admin/jobs/trends", params={"period": "1y"})

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "period"


def test_stuck_jobs_the_longest_first(redis, moderator) -> None:
    ids = [stuck_for(redis, minutes) for minutes in (31, 125)]
    told = moderator.get("/admin/jobs/alerts/stuck").json()

    assert names_of(contract("001_stuck")[0]) == names_of(told[0])[:-3]
    assert names_of(told[0])[-3:] == ["reason", "entryId", "policy"]
    assert [(row["jobId"], row["severity"]) for row in told] == [
        (ids[1], "critical"),
        (ids[0], "medium"),
    ]
    assert 125 * 60_000 <= told[0]["stuckDuration"] < 126 * 60_000


def test_a_retry_with_changed_parameters(redis, admin) -> None:
    old = bury_message(redis, email(1))
    body = contract("001_retry_body") | {"dataOverrides": {"subject": "newValue"}}
    told = admin.post(f"/admin/jobs/retry/email/{old}", json=body).json()

    assert shape(told) == shape(contract("001_retry"))
    assert told["message"] == f"Job retried with ID {told['newJobId']}"


def test_the_requirements_own_body_is_read_and_only_its_foreign_field_refused(redis, admin) -> None:
    old = bury_message(redis, email(1))
    answer = admin.post(f"/admin/jobs/retry/email/{old}", json=contract("001_retry_body"))

    assert answer.status_code == 422
    assert "customParam" in answer.json()["error"]["field"]


def test_system_health(moderator) -> None:
    told, wanted = moderator.get("/api/health").json(), contract("004_health")

    assert names_of(told) == names_of(wanted)
    assert {tuple(row) for row in map(tuple, told["queue_stats"].values())} == {
        tuple(wanted["queue_stats"]["activity_schema"])
    }
    assert shape(told["workers"]) == shape(wanted["workers"])


def test_the_list_of_streams_comes_in_pages_that_name_each_once(redis, moderator) -> None:
    names = [f"jobs:guild:{number}:message_scan" for number in range(5)]
    for name in names:
        publish(message(), stream=name, connection=redis)
    found, cursor = [], ""
    while cursor is not None:
        page = moderator.get("/api/streams", params={"limit": 2, "cursor": cursor}).json()
        found += [row["stream_name"] for row in page["streams"]]
        cursor = page["cursor"]

    assert found == names


def test_the_list_of_jobs_comes_in_pages_that_name_each_once(redis, moderator) -> None:
    handles = [enqueue(message(), queue="email", connection=redis) for _ in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        asked = {"queue": "email", "state": "waiting", "type": "TEST", "limit": 2, "cursor": cursor}
        page = moderator.get("/api/jobs", params=asked).json()
        assert set(page) == {"jobs", "cursor", "partial"}
        found += [job["jobId"] for job in page["jobs"]]
        cursor = page["cursor"]

    assert found == [each.id for each in handles[::-1]]
    answer = moderator.get("/api/jobs", params={"cursor": "none"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "cursor")


def test_streams(redis, moderator) -> None:
    wanted, name = contract("000_streams"), "jobs:guild:123:message_scan"
    publish(message(), stream=name, connection=redis)
    path = f"/api/streams/{name}"
    peeked = moderator.get(f"{path}/jobs", params={"count": 10, "reverse": True}).json()
    pending = moderator.get(f"{path}/pending", params={"group": "workers"}).json()
    guild = moderator.get("/api/guilds/123/job-activity").json()

    assert set(wanted["peek_jobs"][0]) <= set(peeked[0])
    assert set(wanted["get_pending_jobs_info"]) <= set(pending)
    assert set(wanted["get_guild_job_stats"]) <= set(guild)
    assert guild["total_queued"] == 1
