"""What the doctor finds in queues, workers and clocks: on a real server, each time."""

from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.intermediate_queue import IntermediateQueue
from rq.suspension import suspend

from messages import NoteEnrichmentMessage
from monitoring.doctor import Finding, examine
from tests.monitoring.conftest import Register, utc_now
from tests.processes import StartProcess
from tests.workers.takers import Taker
from workers import JobHandle, enqueue, keys
from workers.settings import Settings

ROOT = Path(__file__).parents[3]
EMAIL = ("email:high", "email", "email:low")


def send(redis: Redis, queue: str = "email", **options: object) -> JobHandle:
    return enqueue(NoteEnrichmentMessage.of("note-1"), connection=redis, queue=queue, **options)


def examined(redis: Redis, *, ahead: float = 0.0) -> list[Finding]:
    now = utc_now() + timedelta(seconds=ahead)
    return examine(connection=redis, settings=Settings(), now=now)


def found(redis: Redis, code: str, *, ahead: float = 0.0) -> Finding:
    """The only thing that is wrong."""
    (finding,) = examined(redis, ahead=ahead)
    assert finding.code == code, finding
    return finding


def test_a_queue_that_is_served_leaves_nothing_to_report(
    own_server: Redis, register: Register
) -> None:
    register(own_server, *EMAIL, state="busy")
    for priority in ("high", "normal", "low"):
        send(own_server, priority=priority)
        send(own_server, priority=priority, delay=60)
    send(own_server, depends_on=send(own_server))

    assert examined(own_server) == []


def test_a_real_worker_of_ours_leaves_nothing_to_report(
    own_server: Redis, own_url: str, start_warm: StartProcess
) -> None:
    arguments = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "email")
    worker = start_warm("rq", *arguments, cwd=ROOT, env={"REDIS_URL": own_url})
    worker.wait_for("Listening on", within=20)

    assert examined(own_server) == []


def test_a_queue_with_jobs_and_without_a_worker_is_critical(
    own_server: Redis, register: Register
) -> None:
    register(own_server, "default:high", "default", "default:low")
    handle = send(own_server, priority="high")
    send(own_server)
    old = (utc_now() - timedelta(minutes=14)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    own_server.hset(keys.job(handle.id), "enqueued_at", old)

    finding = found(own_server, "no_worker")

    assert finding.severity == "critical"
    assert finding.what == (
        "No worker listens to email: 2 jobs are waiting there, the oldest for 14 min."
    )
    assert finding.remedy == "`postroom worker email`"


def test_a_queue_without_a_worker_whose_jobs_are_due_later_is_a_warning(own_server: Redis) -> None:
    send(own_server, delay=60)

    finding = found(own_server, "no_worker")

    assert finding.severity == "warning"
    assert "1 job is to go there later" in finding.what


def test_a_priority_list_that_no_worker_listens_to_is_critical_once_it_has_jobs(
    own_server: Redis, register: Register
) -> None:
    register(own_server, "email")
    empty = found(own_server, "list_without_worker")
    send(own_server, priority="high")
    full = found(own_server, "list_without_worker")

    assert (empty.severity, full.severity) == ("warning", "critical")
    assert "email:high and email:low" in empty.what
    assert "what is sent there will not be run" in empty.what
    assert "1 job is waiting there" in full.what
    assert "`postroom worker email`" in full.remedy


def test_a_queue_of_another_application_needs_no_priority_lists(
    own_server: Redis, register: Register
) -> None:
    register(own_server, "theirs")
    Queue("theirs", connection=own_server).enqueue("theirs.function")

    assert examined(own_server) == []


def test_a_real_stock_worker_is_found_and_the_lists_it_does_not_serve(
    own_server: Redis, own_url: str, start_warm: StartProcess
) -> None:
    worker = start_warm("rq", "worker", "email", "--url", own_url)
    worker.wait_for("Listening on", within=20)

    lists, stock = examined(own_server)

    assert (lists.code, stock.code) == ("list_without_worker", "stock_worker")
    assert stock.severity == "warning"
    assert "1 stock RQ worker" in stock.what
    assert f"process {worker.pid} on " in stock.what
    assert "ALLOW_FOREIGN_JOBS" in stock.what
    assert "workers.MessageWorker" in stock.remedy


def test_a_stock_worker_that_serves_all_three_lists_is_found_too(
    own_server: Redis, register: Register
) -> None:
    register(own_server, *EMAIL, name="ours")
    register(own_server, *EMAIL, name="stock", ours=False)

    assert found(own_server, "stock_worker").what.startswith("1 stock RQ worker")


@pytest.mark.parametrize(("seconds", "severity"), [(20, "warning"), (840, "critical")])
def test_scheduled_jobs_that_are_overdue_are_told_with_the_largest_lag(
    own_server: Redis, register: Register, seconds: int, severity: str
) -> None:
    register(own_server, *EMAIL)
    now = utc_now().timestamp()
    late = {"a": now - seconds, "b": now - 15, "in time": now - 5, "later": now + 60}
    own_server.zadd(keys.scheduled("email:low"), late)

    finding = found(own_server, "scheduled_overdue")

    assert finding.severity == severity
    assert "2 scheduled jobs of email are overdue" in finding.what
    assert ("20 s" if seconds == 20 else "14 min") in finding.what
    assert "--with-scheduler" in finding.remedy


def test_a_job_that_was_taken_and_noticed_long_ago_is_found(
    own_server: Redis, register: Register
) -> None:
    register(own_server, *EMAIL)
    taken = IntermediateQueue(keys.queue("email"), own_server)
    own_server.lpush(taken.key, "lost", "just noticed", "on its way")
    own_server.set(taken.get_first_seen_key("lost"), utc_now().timestamp() - 300)
    own_server.set(taken.get_first_seen_key("just noticed"), utc_now().timestamp() - 1)

    finding = found(own_server, "taken_and_not_started")

    assert finding.severity == "warning"
    assert "1 job of email was taken" in finding.what
    assert "noticed 5 min ago" in finding.what
    assert "`postroom worker email`" in finding.remedy


def test_a_taken_job_that_no_worker_is_left_for_is_found_at_once(own_server: Redis) -> None:
    own_server.lpush(keys.intermediate("email:high"), "lost")

    assert "1 job of email was taken" in found(own_server, "taken_and_not_started").what


@pytest.mark.parametrize(("seconds", "when"), [(300, " 5 min ago"), (None, "")])
def test_jobs_of_a_worker_that_vanished_are_found_if_nobody_takes_them_over(
    own_server: Redis, register: Register, seconds: int | None, when: str
) -> None:
    register(own_server, *EMAIL)
    for priority in ("high", "low"):
        send(own_server, priority=priority)
    taker = Taker(own_server, "email")
    assert len(taker.lease(2)) == 2
    assert examined(own_server) == []

    ended = (utc_now().timestamp() - seconds) * 1000 if seconds else 0
    own_server.zadd(keys.holders(), {taker.holder: ended})
    finding = found(own_server, "taken_and_abandoned")

    assert finding.severity == "warning"
    assert f"2 jobs of email are in the hands of a worker that vanished{when}, and" in finding.what
    assert "`postroom worker email`" in finding.remedy


def test_a_worker_that_vanished_with_nothing_in_hand_is_no_finding(own_server: Redis) -> None:
    own_server.zadd(keys.holders(), {"gone": 0})

    assert examined(own_server) == []


@pytest.mark.parametrize(
    ("ahead", "severity", "where"),
    [(5, "warning", "5 s ahead of"), (-600, "critical", "10 min behind")],
)
def test_a_clock_that_differs_from_that_of_redis_is_told(
    own_server: Redis, ahead: float, severity: str, where: str
) -> None:
    finding = found(own_server, "clock_skew", ahead=ahead + 0.9 if ahead > 0 else ahead - 0.9)

    assert finding.severity == severity
    assert where in finding.what
    assert "NTP" in finding.remedy


@pytest.mark.parametrize("ahead", [1.5, -1.5])
def test_a_clock_that_differs_by_less_than_two_seconds_is_well(
    own_server: Redis, ahead: float
) -> None:
    assert examined(own_server, ahead=ahead) == []


def test_a_worker_whose_clock_is_ahead_is_told_by_its_host(
    own_server: Redis, register: Register
) -> None:
    future = utc_now() + timedelta(seconds=100)
    register(own_server, *EMAIL, name="well")
    register(own_server, *EMAIL, name="ill", last_heartbeat=future, hostname="host-b")

    finding = found(own_server, "worker_clock_skew")

    assert finding.severity == "critical"
    assert "1 worker on host-b" in finding.what
    assert "at least 99 s" in finding.what


def test_a_worker_that_shows_no_life_is_told(own_server: Redis, register: Register) -> None:
    long_ago = utc_now() - timedelta(minutes=4)
    register(own_server, *EMAIL, name="well")
    register(own_server, *EMAIL, name="ill", last_heartbeat=long_ago, pid=4711, hostname="host-b")

    finding = found(own_server, "worker_silent")

    assert "for 4 min: process 4711 on host-b" in finding.what


def test_an_idle_stock_worker_may_be_silent_for_longer(
    own_server: Redis, register: Register
) -> None:
    long_ago = utc_now() - timedelta(minutes=4)
    register(own_server, *EMAIL, ours=False, last_heartbeat=long_ago)

    assert found(own_server, "stock_worker")


@pytest.mark.parametrize(
    ("field", "older", "newer", "severity", "noun"),
    [
        ("version", "2.6.1", "3.0.0", "warning", "RQ"),
        ("python_version", "3.11.9 (main) [GCC]", "3.13.1 (main) [GCC]", "info", "Python"),
        ("code_version", "4c1f0aa", "9b2e7d3", "warning", "the code"),
    ],
)
def test_workers_of_different_versions_are_told(  # noqa: PLR0913, PLR0917 - a row of the table
    own_server: Redis,
    register: Register,
    field: str,
    older: str,
    newer: str,
    severity: str,
    noun: str,
) -> None:
    register(own_server, *EMAIL, name="one", **{field: newer})
    register(own_server, *EMAIL, name="two", **{field: newer})
    register(own_server, *EMAIL, name="three", **{field: older})

    (finding,) = examined(own_server)

    assert finding.code.startswith("mixed_")
    assert finding.severity == severity
    new, old = newer.partition(" ")[0], older.partition(" ")[0]
    assert finding.what == f"The workers run different versions of {noun}: {new} (2) and {old} (1)."


def test_suspended_workers_are_told_with_the_time_that_is_left(
    own_server: Redis, register: Register
) -> None:
    register(own_server, *EMAIL)
    suspend(own_server, ttl=300)
    quiet = found(own_server, "suspended")
    suspend(own_server)
    send(own_server)
    busy = found(own_server, "suspended")

    assert (quiet.severity, busy.severity) == ("warning", "critical")
    assert "for another 5 min" in quiet.what or "for another 4 min" in quiet.what
    assert "until somebody resumes" in busy.what
    assert "1 job is waiting" in busy.what
    assert "rq resume" in busy.remedy


def test_dead_letters_are_told_from_80_percent_of_their_limit_on(own_server: Redis) -> None:
    fill = "for n = ARGV[1], ARGV[2] do redis.call('ZADD', KEYS[1], n, n) end"
    own_server.eval(fill, 1, keys.dead_letters(), 1, 79_999)
    few = examined(own_server)
    own_server.eval(fill, 1, keys.dead_letters(), 80_000, 80_000)
    many = found(own_server, "dead_letters_near_limit")
    own_server.eval(fill, 1, keys.dead_letters(), 80_001, 100_000)
    all_there_is_room_for = found(own_server, "dead_letters_near_limit")

    assert few == []
    assert (many.severity, all_there_is_room_for.severity) == ("warning", "critical")
    assert "80,000 dead letters, and room for 100,000" in many.what
    assert "postroom dead-letters list" in many.remedy


def test_dead_letters_that_stand_in_the_spill_file_only_are_told_with_the_way_back(
    own_server: Redis,
) -> None:
    own_server.zadd(keys.dead_letters(), {"one": 1, "two": 2, "whole": 3})
    own_server.sadd(keys.dead_letters_spilled(), "one")
    one = found(own_server, "dead_letters_spilled")
    own_server.sadd(keys.dead_letters_spilled(), "two")
    two = found(own_server, "dead_letters_spilled")

    assert "The message of 1 dead letter is in the spill file only" in one.what
    assert "The messages of 2 dead letters are in the spill file only" in two.what
    assert "postroom dead-letters import FILE" in two.remedy
    assert two.severity == "warning"


def test_spilled_letters_take_no_room_so_they_do_not_bring_the_limit_nearer(
    own_server: Redis,
) -> None:
    own_server.eval(
        "for n = 1, 80010 do redis.call('ZADD', KEYS[1], n, n) end", 1, keys.dead_letters()
    )
    own_server.eval(
        "for n = 1, 11 do redis.call('SADD', KEYS[1], n) end", 1, keys.dead_letters_spilled()
    )

    assert found(own_server, "dead_letters_spilled").severity == "warning"


def test_the_most_urgent_comes_first(own_server: Redis, register: Register) -> None:
    register(own_server, *EMAIL, name="one", python_version="3.11.9 x")
    register(own_server, *EMAIL, name="two", python_version="3.13.1 x", ours=False)
    send(own_server, "workouts")

    severities = [finding.severity for finding in examined(own_server)]

    assert severities == ["critical", "warning", "info"]
