"""Clearing a queue and cleaning it up: what goes, what stays, and who may."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from rq.utils import utcformat

from tests.workers.conftest import message
from tests.workers.takers import Taker
from workers import (
    By,
    InvalidOption,
    Settings,
    audit,
    enqueue,
    enqueue_many,
    keys,
    pauses,
)
from workers.cleanup import CleanupPolicy, clean
from workers.clearing import Cleared, ClearRefused, clear

WHO = {"by": By("ann", "a fire")}
QUEUE = "quiet"
DAY = timedelta(days=1)


@pytest.fixture
def wipe(redis):
    def _wipe(what="all", queue=QUEUE, *, settings=None, **options):
        return clear(
            queue, what, **WHO, settings=settings or Settings(), connection=redis, **options
        )

    return _wipe


@pytest.fixture
def tidy(redis, now):
    def _tidy(state="completed", *, dry_run=False, queue=QUEUE, **options):
        policy = CleanupPolicy(queue, state, **options)
        return clean(policy, dry_run=dry_run, **WHO, now=now, connection=redis)

    return _tidy


def ended(redis, status, *, name=QUEUE, at=None, count=1):
    """Jobs that ended, as RQ leaves them."""
    registry = keys.failed(name) if status == "failed" else keys.finished(name)
    moment = at or datetime.now(UTC)
    ids = enqueue_many((message() for _ in range(count)), queue=QUEUE, connection=redis)
    with redis.pipeline() as pipe:
        for number, job_id in enumerate(ids):
            pipe.lrem(keys.queue(QUEUE), 1, job_id)
            pipe.hset(keys.job(job_id), mapping={"status": status, "ended_at": utcformat(moment)})
            pipe.zadd(registry, {job_id: moment.timestamp() + number / 1000})
        pipe.execute()
    return ids


def known(redis, ids):
    return [job_id for job_id in ids if redis.exists(keys.job(job_id))]


# --- clear -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "removed"),
    [
        ("completed", Cleared(completed=2)),
        ("failed", Cleared(failed=1)),
        ("all", Cleared(completed=2, failed=1)),
    ],
)
def test_only_what_was_named_goes(redis, wipe, what, removed):
    ended(redis, "finished")
    ended(redis, "finished", name=f"{QUEUE}:high")
    ended(redis, "failed")
    waiting = enqueue(message(), queue=QUEUE, connection=redis)

    assert wipe(what) == removed

    assert waiting.status() == "queued"
    places = (keys.finished(QUEUE), keys.finished(f"{QUEUE}:high"), keys.failed(QUEUE))
    assert sum(map(redis.zcard, places)) == 3 - removed.completed - removed.failed
    over, entry = audit.entries(connection=redis)
    assert (entry.action, entry.target, entry.details["what"]) == ("queue.clear", QUEUE, what)
    assert (over.action, over.target) == ("queue.clear_ended", QUEUE)
    assert over.details["before"] == entry.details["found"]
    assert set(over.details["after"].values()) == {0}


def test_waiting_jobs_go_only_by_their_own_switch_and_running_ones_never(redis, wipe):
    taken, *waiting = enqueue_many((message() for _ in range(3)), queue=QUEUE, connection=redis)
    delayed = enqueue(message(), queue=QUEUE, delay=60, connection=redis)
    assert Taker(redis, QUEUE).take() == taken

    assert [wipe(), wipe(waiting=True)] == [Cleared(), Cleared(waiting=2)]

    assert known(redis, waiting) == []
    assert known(redis, [taken, delayed.id]) == [taken, delayed.id]


def test_jobs_that_a_pause_holds_back_wait_too(redis, wipe):
    pauses.pause("type", "TEST", **WHO, connection=redis)
    enqueue(message(), queue=QUEUE, connection=redis)
    assert Taker(redis, QUEUE).take() is None

    assert wipe(waiting=True) == Cleared(waiting=1)
    assert pauses.resume("type", "TEST", **WHO, connection=redis) == 0


def test_what_waits_for_a_cleared_job_does_not_wait_for_ever(redis, wipe):
    parent = enqueue(message(), queue=QUEUE, connection=redis)
    child = enqueue(
        message(), queue="other", depends_on=parent, on_parent_failure="cancel", connection=redis
    )

    wipe(waiting=True)

    assert child.status() == "canceled"


def test_a_failed_job_that_runs_again_is_not_removed(redis, wipe):
    (job_id,) = ended(redis, "failed")
    redis.hset(keys.job(job_id), "status", "started")

    assert wipe("failed") == Cleared()
    assert known(redis, [job_id])


def test_it_clears_in_steps_and_tells_of_each(redis, wipe):
    ids = ended(redis, "finished", count=1_200)
    steps = []

    assert wipe(progress=lambda done, total: steps.append((done, total))) == Cleared(
        completed=1_200
    )

    assert steps == [(500, 1_200), (1_000, 1_200), (1_200, 1_200)]
    assert known(redis, ids) == []


@pytest.mark.parametrize("environment", ["production", " Production "])
def test_production_is_not_cleared_unless_that_is_allowed(redis, wipe, environment):
    (job_id,) = ended(redis, "finished")

    with pytest.raises(ClearRefused, match="ALLOW_CLEAR=1"):
        wipe(settings=Settings(environment=environment))

    assert known(redis, [job_id])
    assert audit.entries(connection=redis) == []
    assert wipe(settings=Settings(environment=environment, allow_clear=True)).completed == 1


@pytest.mark.parametrize(("what", "queue"), [("queued", QUEUE), ("all", "a:high"), ("all", "")])
def test_a_clear_that_cannot_be_meant_is_refused(wipe, what, queue):
    with pytest.raises(InvalidOption) as refused:
        wipe(what, queue)

    assert refused.value.remedy


# --- clean-up by policy ----------------------------------------------------------------------


def test_the_old_go_and_the_young_stay(redis, tidy, now):
    old = ended(redis, "finished", at=now - DAY)
    young = ended(redis, "finished", at=now - DAY + timedelta(seconds=1))

    found = tidy(older_than=DAY)

    assert (found.count, list(found.ids)) == (1, old)
    assert known(redis, [*old, *young]) == young
    over, entry = audit.entries(connection=redis)
    assert json.loads(json.dumps(entry.details)) == {
        "state": "completed",
        "olderThanSeconds": 86400.0,
        "keepNewest": 0,
    }
    assert over.details == {"before": 1, "after": 0}


def test_the_newest_stay_however_old(redis, tidy, now):
    ids = ended(redis, "failed", at=now - DAY, count=5)

    assert tidy("failed", keep_newest=2).count == 3
    assert known(redis, ids) == ids[3:]


def test_a_dry_run_tells_the_same_and_removes_nothing(redis, tidy, now):
    ids = ended(redis, "finished", at=now - DAY, count=1_100)

    dry = tidy(keep_newest=50, dry_run=True)

    assert known(redis, ids) == ids
    assert audit.entries(connection=redis) == []
    assert tidy(keep_newest=50) == dry
    assert dry.count == 1_050
    assert len(dry.ids) == 100
    assert known(redis, ids) == ids[1_050:]


def test_cancelled_jobs_go_by_the_time_they_were_made(redis):
    handle = enqueue(message(), queue=QUEUE, connection=redis)
    handle.cancel()
    policy = CleanupPolicy(QUEUE, "canceled", DAY)
    moments = [datetime.now(UTC) + days * DAY for days in (0, 2)]

    assert [clean(policy, **WHO, now=at, connection=redis).count for at in moments] == [0, 1]
    assert not redis.exists(keys.job(handle.id), keys.canceled(QUEUE))


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "waiting"},
        {"keep_newest": -1},
        {"older_than": -DAY},
        {"queue": "a:low"},
        {"queue": ""},
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(tidy, wrong):
    with pytest.raises(InvalidOption) as refused:
        tidy(**wrong)

    assert refused.value.remedy
