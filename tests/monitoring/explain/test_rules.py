"""Rules on facts that a server would take long to get into: each is a value here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.explain.explanations import explain_job, explain_queue, explain_stream
from monitoring.explain.facts import JobFacts, Letters, QueueFacts, Retries, Share, StreamFacts
from monitoring.explain.rules import QUEUE_RULES, queue_findings
from monitoring.jobs.stuck_plans import Plan
from monitoring.numbers.forecast import Forecast
from monitoring.queues.fleet import DeathOfChild, WorkerSnapshot
from monitoring.queues.snapshot import Counts
from workers.audit import AuditEntry
from workers.dead_letters import DeadLetter
from workers.pauses import Pause

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
AT = "2026-01-15T10:02:00+00:00"
IDLE = WorkerSnapshot("one", lists=("email",), state="idle", hostname="web1", pid="7")
BUSY = replace(IDLE, state="busy")


def queue(**changes: object) -> QueueFacts:
    return QueueFacts("email", NOW, **changes)


def job(**changes: object) -> JobFacts:
    return JobFacts("7f3a", NOW, **{"state": "waiting", "queue": queue(), **changes})


def codes(facts: QueueFacts) -> list[str]:
    return [finding.code for finding in queue_findings(facts)]


def letter(reason: str, error: str = "ValueError: no") -> DeadLetter:
    return DeadLetter("7f3a", "EMAIL", "email", reason, error, AT, envelope={})


def test_the_example_of_a_paused_queue_whose_workers_died() -> None:
    dead = replace(IDLE, last_heartbeat=NOW.replace(hour=10, minute=1), memory_mb=1_900.0)
    facts = job(
        ahead=812,
        entered=NOW - timedelta(minutes=14),
        queue=queue(
            counts=Counts(waiting=1_000),
            pauses=[Pause("queue", "email", "anna", "deploy", AT)],
            workers=[BUSY] * 4,
            dead=[dead, replace(dead, pid="8")],
            average_ms=6_800.0,
            forecast=Forecast(1_000, 4, 0.0),
        ),
    )

    assert explain_job(facts).text == (
        "It has been waiting for 14 min because queue email is paused by anna since 10:02 UTC "
        "(deploy); 1,000 jobs wait for its end; 812 jobs are ahead of it. "
        "2 of 6 workers of email died or froze at 10:01 UTC, one with 1.9 GB of memory: process 7 "
        "on web1 and process 8 on web1 showed no life since. "
        "Once that is over, it starts in about 23 min."
    )


def test_a_child_that_was_killed_with_much_memory_was_probably_too_large() -> None:
    death = DeathOfChild(NOW - timedelta(minutes=2), "signal 9", 1_900.0)
    facts = queue(workers=[replace(IDLE, child_death=death), IDLE])

    (finding,) = queue_findings(facts)

    assert "1 of 2 workers of email died, the last at 11:58 UTC" in finding.what
    assert "(signal 9, with 1.9 GB: probably out of memory)" in finding.what
    old = replace(death, at=NOW - timedelta(minutes=16))
    assert codes(queue(workers=[replace(IDLE, child_death=old)])) == []


def test_a_child_that_died_of_a_job_is_told_of_the_queue_of_that_job_alone() -> None:
    death = DeathOfChild(NOW - timedelta(minutes=2), "signal 9", 0.0, queues=("other",))
    facts = queue(workers=[replace(IDLE, child_death=death)])

    assert codes(facts) == []
    (finding,) = queue_findings(replace(facts, name="other"))
    assert finding.what == (
        "The processes of 1 of 1 worker of other died, the last at 11:58 UTC (signal 9); what they "
        "ran is tried again, and buried at the third such death."
    )


@pytest.mark.parametrize(
    ("sent", "lead"),
    [
        (NOW - timedelta(hours=3), "It has been waiting for 3 h because 1 of 2 workers of email "),
        (NOW - timedelta(seconds=22), "It has been waiting for 22 s; 285 jobs are ahead of it."),
    ],
)
def test_a_job_does_not_wait_because_of_deaths_before_it_was_sent(sent, lead) -> None:
    dead = replace(IDLE, last_heartbeat=NOW.replace(hour=10, minute=1))
    child = DeathOfChild(NOW.replace(hour=11, minute=50), "signal 9", 0.0)
    workers = [replace(IDLE, child_death=child)]
    facts = job(ahead=285, entered=sent, queue=queue(workers=workers, dead=[dead]))

    found = explain_job(facts)

    assert found.sentences[0].startswith(lead)
    assert [finding.code for finding in found.findings] == ["workers_died", "children_died"]


def test_what_holds_a_job_up_goes_before_deaths_before_it_was_sent() -> None:
    dead = replace(IDLE, last_heartbeat=NOW.replace(hour=10, minute=1))
    counts = Counts(waiting=286)
    stands = queue(workers=[BUSY], dead=[dead], counts=counts, oldest_seconds=90.0)
    found = explain_job(job(ahead=285, entered=NOW - timedelta(seconds=22), queue=stands))

    assert found.sentences[0].startswith("It has been waiting for 22 s because the only worker of ")
    assert found.sentences[1].startswith("1 of 2 workers of email died or froze at 10:01 UTC")


def test_idle_workers_beside_waiting_jobs_are_critical() -> None:
    facts = queue(workers=[IDLE], counts=Counts(waiting=5), oldest_seconds=180.0)

    (finding,) = queue_findings(facts)

    assert (finding.code, finding.severity) == ("standing_still", "critical")
    assert finding.what == (
        "1 worker of email is idle, and 5 jobs are waiting, the oldest for 3 min."
    )
    assert codes(replace(facts, oldest_seconds=59.0)) == []


def test_workers_that_do_not_keep_up_are_told_with_what_takes_their_time() -> None:
    facts = queue(
        workers=[BUSY, IDLE],
        counts=Counts(waiting=50),
        oldest_seconds=90.0,
        shares=[Share("DATA_SYNC", 90.0, 2), Share("EMAIL", 10.0, 0)],
    )

    (finding,) = queue_findings(facts)

    assert finding.what.startswith(
        "2 workers of email cannot keep up, busy with DATA_SYNC for 90% of their time, 2 of them"
    )


@pytest.mark.parametrize(("failed", "found"), [(1, []), (2, ["error_rate"]), (6, ["error_rate"])])
def test_a_share_of_failures_above_a_tenth_is_told(failed: int, found: list[str]) -> None:
    facts = queue(ended={"failed": failed, "finished": 10})

    assert codes(facts) == found


def test_many_retries_after_one_error_are_told_and_a_few_are_not() -> None:
    some = Retries(9, "EMAIL", "ResourceUnavailable: The mail server is down.", "retried")

    assert codes(queue(retries=[some])) == []
    (finding,) = queue_findings(queue(retries=[replace(some, count=10)]))
    assert finding.what.startswith("10 jobs of email are to be tried again after the same error")


def test_letters_without_a_fingerprint_are_replayed_by_their_reason() -> None:
    found = [Letters(2, "expired", "EMAIL", "It waited too long.", "7f3a")]

    (finding,) = queue_findings(queue(letters=found))

    assert "postroom dead-letters replay --all --queue email --why expired" in finding.remedy


def test_sentences_that_end_in_an_error_do_not_run_into_the_next_one() -> None:
    found = [
        Letters(5, "exhausted", "EMAIL", "ValueError: bad row 4", "7f3a"),
        Letters(3, "permanent", "EMAIL", "PermanentError: never", "8b1c"),
    ]

    told = explain_queue(queue(letters=found)).text

    assert "ValueError: bad row 4. 3 messages of email died" in told


def test_nothing_is_wrong_with_what_has_no_facts() -> None:
    found = explain_queue(queue(workers=[IDLE, IDLE]))

    assert (found.findings, found.state) == ([], "well")
    assert found.text == "Nothing is wrong with email: 0 jobs are waiting, and 2 workers listen."
    assert len(QUEUE_RULES) > 15


def test_a_queue_that_drains_says_when() -> None:
    facts = queue(
        workers=[BUSY],
        counts=Counts(waiting=120),
        oldest_seconds=90.0,
        forecast=Forecast(120, 1, 60.0, -40.0),
    )

    found = explain_queue(facts)

    assert found.drains_in == timedelta(minutes=3)
    assert found.text.endswith("At this rate it is drained in about 3 min.")


@pytest.mark.parametrize(
    ("seconds", "told"), [(30, "It expires in 30 s"), (-90, "It expired 90 s ago")]
)
def test_a_job_that_is_about_to_expire(seconds: float, told: str) -> None:
    facts = job(expires=NOW + timedelta(seconds=seconds), entered=NOW, ahead=3)

    assert told in explain_job(facts).text
    assert "expires" not in explain_job(replace(facts, expires=NOW + timedelta(hours=1))).text


@pytest.mark.parametrize(
    ("reason", "told", "command"),
    [
        ("stuck", "STUCK_POLICY ended the last one", "postroom dead-letters replay 7f3a"),
        ("memory", "more memory than JOB_MEMORY_LIMIT_MB", "postroom dead-letters replay 7f3a"),
        ("delivery_limit", "each of its consumers vanished", "postroom dead-letters replay 7f3a"),
        ("parent_failed", "a job that it depends on", "postroom why 0199-parent"),
        ("unknown_type", "no worker knew its type", "postroom dead-letters replay 7f3a"),
        ("a new one", "a new one", "postroom dead-letters show 7f3a"),
    ],
)
def test_each_reason_of_a_dead_letter_has_its_words(reason: str, told: str, command: str) -> None:
    found = explain_job(
        job(state="failed", letter=letter(reason, "Job 0199-parent, which it waited for, failed."))
    )

    assert told in found.sentences[0]
    assert command in found.do


def test_a_job_that_was_deleted_says_by_whom() -> None:
    act = AuditEntry("job.delete", "ben", "a test", "7f3a", AT)

    found = explain_job(job(state="unknown", queue=None, acts=[act]))

    assert found.sentences[0] == (
        "There is no record of job 7f3a: ben did job.delete at 10:02 UTC (a test)."
    )


def test_a_slow_job_is_told_with_what_is_usual() -> None:
    facts = job(
        state="running",
        kind="EMAIL",
        worker="one",
        began=NOW - timedelta(seconds=240),
        usual=timedelta(seconds=20),
    )

    assert explain_job(facts).sentences[0] == (
        "It has been running for 4 min on worker one; 95 of 100 jobs of EMAIL take 20 s at most."
    )
    usual = explain_job(replace(facts, usual=timedelta(seconds=100)))
    assert (usual.findings, usual.text) == ([], "It has been running for 4 min on worker one.")


def running(minutes: float, plan: Plan | None, *, timeout: float | None = None) -> str:
    """What is said of a job that has been running for so long."""
    facts = job(
        state="running",
        kind="EMAIL",
        worker="one",
        began=NOW - timedelta(minutes=minutes),
        timeout=None if timeout is None else timedelta(minutes=timeout),
        plan=plan,
    )
    return explain_job(facts).text


@pytest.mark.parametrize(
    ("plan", "timeout", "told"),
    [
        (
            Plan("requeue", at=NOW + timedelta(minutes=12)),
            None,
            "It will be requeued by STUCK_POLICY at 12:12 UTC, in 12 min.",
        ),
        (
            Plan("stop", at=NOW + timedelta(minutes=12)),
            40,
            "It will be stopped by STUCK_POLICY at 12:12 UTC, in 12 min.",
        ),
        (
            Plan("stop", at=NOW + timedelta(minutes=12)),
            25,
            "Its timeout ends this run at 12:07 UTC, in 7 min, before STUCK_POLICY would",
        ),
        (
            Plan("escalate", at=NOW + timedelta(minutes=12)),
            None,
            "It goes on, and STUCK_POLICY tells the channels of alerts at 12:12 UTC, in 12 min.",
        ),
        (
            Plan("stop", at=NOW - timedelta(minutes=1), done=NOW - timedelta(minutes=1)),
            None,
            "STUCK_POLICY told its worker to stop it at 11:59 UTC.",
        ),
        (
            Plan("stop", at=NOW - timedelta(minutes=1)),
            None,
            "It will be stopped by STUCK_POLICY within seconds, as is due since 11:59 UTC, where",
        ),
        (
            Plan("requeue", why="A stock worker runs it."),
            None,
            "STUCK_POLICY of EMAIL is requeue, and does nothing here: A stock worker runs it.",
        ),
        (
            Plan("report"),
            None,
            "is report and it has no timeout, so nothing will be done about it by itself.",
        ),
        (
            Plan("report"),
            40,
            "is report, so nothing ends it before its timeout at 12:22 UTC, in 22 min.",
        ),
        (
            Plan("report"),
            10,
            "STUCK_POLICY of EMAIL is report, so nothing more will be done about it by itself.",
        ),
    ],
)
def test_a_job_that_runs_for_long_says_what_becomes_of_it_by_itself(
    plan: Plan, timeout: float | None, told: str
) -> None:
    assert told in running(18, plan, timeout=timeout)


def test_of_a_job_that_is_well_only_what_will_be_done_is_told() -> None:
    planned = Plan("requeue", at=NOW + timedelta(minutes=29))

    assert running(1, Plan("report")) == "It has been running for 60 s on worker one."
    assert running(1, planned) == (
        "It has been running for 60 s on worker one. "
        "It will be requeued by STUCK_POLICY at 12:29 UTC, in 29 min."
    )


def test_a_stream_whose_entries_somebody_trimmed_or_holds_for_long() -> None:
    consumer = {"name": "c1", "pending_count": 2, "idle_ms": 5, "alive": True}
    group = {
        "name": "workers",
        "queued_count": 0,
        "pending_count": 2,
        "oldest_pending_ms": 900_000,
        "trimmed_count": 2,
        "consumers": [consumer],
    }
    told = {"stream_name": "s", "length": 5, "limit": 100, "groups": [group]}
    facts = StreamFacts("s", [told], "workers", [Letters(1, "permanent", "BUILD", "no", "7f3a")])

    found = explain_stream(facts)

    assert [each.code for each in found.findings] == [
        *("entries_trimmed", "entries_pending", "dead_letters"),
    ]
    assert "An entry of s was added 15 min ago and is still in the hands of c1." in found.sentences
    assert explain_stream(StreamFacts("s", [], "workers")).state == "well"
