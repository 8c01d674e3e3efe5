"""What the page of a group of failures says of a replay."""

import pytest
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from monitoring.queues.snapshot import queue_lists
from tests.board.failed import fail_workouts, group_of
from tests.monitoring.board.conftest import Read
from workers import By, dead_letters, deploys, failure_groups

ANN = By("ann", "to see")
FAILS = "A replay now would likely fail again."


@pytest.fixture
def jobs(redis, register) -> list[str]:
    """Two letters of one group, whose queue has a worker."""
    register(redis, *queue_lists("default"))
    return fail_workouts(redis, 2)


@pytest.fixture
def group(redis, jobs) -> str:
    return group_of(redis, "WORKOUT_UPDATE")


def test_what_failed_lately_would_likely_fail_again(read: Read, group: str) -> None:
    assert FAILS in read(f"/failures/{group}")
    assert FAILS in read("/failures")


def test_a_trial_that_succeeded_is_not_doubted(read: Read, redis, jobs, group: str) -> None:
    sent = dead_letters.replay(jobs[0], by=ANN, connection=redis)
    Job.fetch(sent, connection=redis, serializer=JSONSerializer).set_status(JobStatus.FINISHED)

    shown = read(f"/failures/{group}?tried={jobs[0]}")

    assert "1 of 1 succeeded." in shown
    assert FAILS not in shown
    assert "Replay the other…" in shown


def test_where_no_letter_is_left_nothing_is_said_of_a_replay(
    read: Read, redis, jobs, group
) -> None:
    failure_groups.replay(group, by=ANN, connection=redis)

    shown = read(f"/failures/{group}?tried={jobs[0]}")

    assert "Replay the others…" in shown
    assert "Replay the other 0" not in shown
    assert FAILS not in shown + read("/failures")


def test_jobs_that_were_sent_at_once_are_told_apart(read: Read, jobs, group: str) -> None:
    shown = read(f"/failures/{group}").rpartition("that failed last")[2]

    assert all(f"…{job_id[-8:]} dead letter" in shown for job_id in jobs)


def test_who_undoes_a_mute_opens_the_group_again(read: Read, redis, group: str) -> None:
    failure_groups.mute(group, by=ANN, connection=redis)
    assert "ann marked it so" in read(f"/failures/{group}")

    failure_groups.unmute(group, by=By("bob", "Undone"), connection=redis)

    shown = read(f"/failures/{group}")
    assert "bob opened it again" in shown
    assert "marked it" not in shown


def test_what_the_dead_share_is_compared_with_the_newest(read: Read, group: str) -> None:
    assert "% of the newest WORKOUT_UPDATE" in read(f"/failures/{group}")


def test_without_dead_letters_none_waits_for_somebody(read: Read) -> None:
    assert "No message waits for somebody to replay or discard it." in read("/failures/letters")


def test_what_is_marked_as_fixed_is_to_be_tried(read: Read, redis, group: str) -> None:
    deploys.mark("v7", connection=redis)
    failure_groups.mark_fixed(group, "v7", by=ANN, connection=redis)

    shown = read(f"/failures/{group}")

    assert "A trial will tell. It is marked as fixed in v7, and has not come back since." in shown
