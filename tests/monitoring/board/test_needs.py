"""What needs a person: in which order, in which words, with which buttons."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.board.mending import began, buttons_of
from monitoring.board.needs import needs_of, parted
from monitoring.doctor.finding import Finding
from monitoring.explain.facts import Letters, QueueFacts, Retries
from monitoring.queues.fleet import WorkerSnapshot
from monitoring.queues.snapshot import Counts
from workers.pauses import Pause

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
AT = "2026-01-15T10:02:00+00:00"
PAUSE = Pause("queue", "email", "anna", "deploy", AT)


def queue(name: str = "email", **changes: Any) -> QueueFacts:
    return QueueFacts(name, NOW, **changes)


def alert(**changes: Any) -> dict[str, Any]:
    known = {
        "rule": "waiting",
        "metric": "waiting",
        "scope": "email",
        "severity": "warning",
        "state": "firing",
        "since": AT,
        "limit": "> 100",
        "said": "120 jobs wait in email.",
    }
    return known | changes


def finding(code: str, remedy: str = "") -> Finding:
    return Finding(code, "warning", "It is so.", remedy)


PAUSED = queue(counts=Counts(waiting=3), pauses=[PAUSE])


class TestNeeds:
    def test_when_nothing_is_wrong_nothing_is_needed(self) -> None:
        assert needs_of({"email": queue()}, [], "") == []

    def test_a_paused_queue_is_told_with_who_and_since_when(self) -> None:
        (need,) = needs_of({"email": PAUSED}, [], "/in")

        assert need.title.startswith("Queue email is paused by anna")
        assert (need.subject, need.since) == ("email", datetime.fromisoformat(AT))
        assert [each.label for each in need.buttons] == ["Resume…", "Open queue"]
        assert need.buttons[1].url == "/in/queues/email"

    def test_an_alert_stands_behind_the_finding_that_tells_its_cause(self) -> None:
        assert len(needs_of({"email": PAUSED}, [alert()], "")) == 1

    @pytest.mark.parametrize(
        ("metric", "scope", "label", "url"),
        [
            ("waiting", "email", "Open queue", "/in/queues/email"),
            ("waiting", "a/b", "Open stream", "/in/streams/a%2Fb"),
            ("stream_lag", "a/b", "Open stream", "/in/streams/a%2Fb"),
            ("success_rate_of_type", "EMAIL", "Open type", "/in/messages/EMAIL"),
            ("escalated", "j-1", "Open job", "/in/jobs/j-1"),
            ("channel_failing", "pager", "See alerts", "/in/settings"),
            ("redis_memory", "", "See alerts", "/in/settings"),
        ],
    )
    def test_an_alert_that_no_finding_explains_leads_to_what_it_is_about(
        self, metric: str, scope: str, label: str, url: str
    ) -> None:
        (need,) = needs_of({"email": queue()}, [alert(metric=metric, scope=scope)], "/in")

        assert [(each.label, each.url) for each in need.buttons] == [(label, url)]

    def test_an_alert_that_names_a_stuck_job_is_as_urgent_as_that_and_opens_it(self) -> None:
        said = alert(rule="stuck", said="Job j/1 of email has been running for 3 h.")
        stuck = {"jobId": "j/1", "queueName": "email", "severity": "critical", "entryId": None}

        (need,) = needs_of({"email": queue()}, [said], "/in", stuck=[stuck])
        beside = needs_of({"email": PAUSED}, [said], "", stuck=[stuck])

        assert need.severity == "critical"
        assert [each.url for each in need.buttons] == ["/in/jobs/j%2F1", "/in/queues/email"]
        assert need.title in [each.title for each in beside]  # a pause is not why it is stuck

    def test_an_alert_that_names_a_stuck_entry_opens_its_stream(self) -> None:
        said = alert(rule="stuck", scope="a/b", said="Job j of a/b has been running for 40 min.")
        stuck = {"jobId": "j", "queueName": "a/b", "severity": "low", "entryId": "1-0"}

        (need,) = needs_of({}, [said], "", stuck=[stuck])

        assert need.severity == "medium"
        assert need.buttons[0].url == "/streams/a%2Fb?entry=1-0#entry"

    @pytest.mark.parametrize("state", ["pending", "held_back", "over"])
    def test_an_alert_that_does_not_fire_needs_nobody(self, state: str) -> None:
        assert needs_of({}, [alert(state=state)], "") == []

    def test_that_no_worker_runs_at_all_is_told_where_no_queue_tells_it(self) -> None:
        (need,) = needs_of({"email": queue()}, [], "/in", workers=0)
        waits = queue(served=[finding("no_worker")])

        assert need.title == "No worker runs, so nothing that is sent starts"
        assert (need.severity, need.buttons[0].url) == ("low", "/in/workers")
        assert needs_of({"email": queue()}, [], "", workers=1) == []
        assert [each.subject for each in needs_of({"email": waits}, [], "", workers=0)] == ["email"]

    def test_a_rate_of_failures_is_told_with_the_first_of_them_and_what_most_are(self) -> None:
        first = NOW - timedelta(minutes=9)
        letters = [
            Letters(2, "exhausted", "A", "no", "1", since=NOW),
            Letters(9, "exhausted", "B", "TypeError: never", "2", since=first),
        ]
        failing = queue(ended={"failed": 20, "finished": 10}, letters=letters)

        found = needs_of({"email": failing}, [], "")
        need = next(each for each in found if "outcomes" in each.title)

        assert (need.since, need.why) == (first, "Most often B: TypeError: never")

    def test_the_most_urgent_comes_first_then_what_has_lasted_longest(self) -> None:
        alerts = [
            alert(rule="c", scope="c", severity="info"),
            alert(rule="b", scope="b", since="2026-01-15T11:00:00+00:00"),
            alert(rule="a", scope="a"),
            alert(rule="d", scope="d", severity="critical"),
        ]

        found = needs_of({}, alerts, "")
        assert [(each.subject, each.severity) for each in found] == [
            ("d", "critical"),
            ("a", "medium"),
            ("b", "medium"),
            ("c", "low"),
        ]


@pytest.mark.parametrize(
    ("sentence", "title", "why"),
    [
        ("It is full.", "It is full", ""),
        ("It is full: 3 of 4.", "It is full", "3 of 4."),
        ("It is full; send less.", "It is full", "Send less."),
        ("It is full (3 of 4).", "It is full", "3 of 4."),
    ],
)
def test_a_sentence_is_parted_into_the_fact_and_its_grounds(sentence, title, why) -> None:
    assert parted(sentence) == (title, why)


class TestBegan:
    def test_a_pause_began_when_it_was_made(self) -> None:
        assert began(finding("queue_paused"), PAUSED) == datetime.fromisoformat(AT)
        assert began(finding("type_paused"), PAUSED) is None

    def test_a_death_is_told_by_the_last_sign_of_life(self) -> None:
        seen = NOW - timedelta(minutes=7)
        facts = queue(dead=[WorkerSnapshot("one", lists=("email",), last_heartbeat=seen)])

        assert began(finding("workers_died"), facts) == seen

    def test_what_is_overdue_is_so_for_as_long_as_the_oldest(self) -> None:
        assert began(finding("scheduled_overdue"), queue(overdue=(3, 60.0))) == NOW - timedelta(
            minutes=1
        )

    def test_what_keeps_jobs_waiting_holds_since_the_oldest_came(self) -> None:
        assert began(finding("no_workers"), queue(oldest_seconds=120.0)) == NOW - timedelta(
            minutes=2
        )
        assert began(finding("no_workers"), queue()) is None


class TestButtons:
    def labels(self, code: str, facts: QueueFacts, remedy: str = "") -> list[str]:
        return [each.label for each in buttons_of(finding(code, remedy), facts, "")]

    def test_each_finding_can_be_looked_at_in_its_queue(self) -> None:
        assert self.labels("never_heard_of", queue()) == ["Open queue"]

    def test_what_dies_leads_to_its_group(self) -> None:
        letters = Letters(3, "exhausted", "EMAIL", "no", "7f3a", fingerprint="0123456789ab")
        facts = queue(letters=[letters])
        (group, _) = buttons_of(finding("dead_letters", "Look at 7f3a."), facts, "/in")

        assert (group.label, group.url) == ("Open group", "/in/failures/0123456789ab")

    def test_a_type_that_fails_again_and_again_can_be_paused(self) -> None:
        facts = queue(retries=[Retries(9, "A&B", "no", "retried")])
        pause, _ = buttons_of(finding("many_retries"), facts, "")

        assert (pause.label, pause.opens) == ("Pause A&B…", True)
        assert pause.url == "/board/dialogs/pause?kind=type&name=A%26B"

    def test_workers_that_died_are_shown(self) -> None:
        assert self.labels("workers_died", queue()) == ["See workers", "Open queue"]

    def test_only_the_pause_that_is_told_is_ended(self) -> None:
        other = Pause("type", "EMAIL", "bob", "no", AT)
        facts = queue(pauses=[PAUSE, other])

        urls = [each.url for each in buttons_of(finding("type_paused"), facts, "")]
        assert urls[:-1] == ["/board/dialogs/resume?kind=type&name=EMAIL"]
