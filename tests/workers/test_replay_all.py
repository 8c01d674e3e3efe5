import json
import signal
import sys
import time
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Event

import pytest

from tests.processes import ask_until_true, own_keys
from tests.workers.letters import bury_many, bury_message, email, letter
from workers import By, InvalidOption, audit, dead_letters, keys
from workers.dead_letters import Filter

ROOT = Path(__file__).parents[2]
BY = By("ada", "mended")
EMAILS = Filter(message_type="EMAIL")

REPLAY = """
import os, sys
from redis import Redis
from workers import By, dead_letters
connection = Redis.from_url(os.environ["REDIS_URL"])
wanted = dead_letters.Filter(message_type="EMAIL")
def tell(done, total):
    print(done, "of", total, flush=True)
dead_letters.replay_all(
    wanted, rate=400, by=By("ada", "mended"), progress=tell, connection=connection
)
print("over", flush=True)
"""


def replayed(redis, queue="email"):
    """The ids that the waiting jobs are replays of, in their order."""
    ids = redis.lrange(keys.queue(queue), 0, -1)
    stored = [redis.hget(keys.job(job_id.decode()), "data") for job_id in ids]
    return [json.loads(data)[2][0]["metadata"]["replayOf"] for data in stored]


def bury_emails(redis, count, begin=0):
    return [bury_message(redis, email(number)) for number in range(begin, begin + count)]


def test_all_letters_of_a_filter_are_replayed_oldest_first_and_told_of(redis):
    ids = bury_emails(redis, 3)
    dead_letters.bury(letter("other"), meta={}, connection=redis)
    told = []

    done = dead_letters.replay_all(
        EMAILS, progress=lambda *at: told.append(at), connection=redis, by=BY
    )

    assert done.job_ids == ids == replayed(redis)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [found.job_id for found in dead_letters.newest(9, connection=redis)] == ["other"]
    ended, begun = audit.entries(connection=redis)
    assert begun.details == {"filter": {"message_type": "EMAIL"}, "letters": 3}
    assert (ended.action, ended.details) == (
        "dead_letter.replay_all_ended",
        {"before": 3, "after": 0},
    )


def test_a_dry_run_changes_nothing_and_shows_what_the_run_replays_while_others_fail(redis):
    ids = bury_emails(redis, 5)

    shown = dead_letters.dry_replay(EMAILS, connection=redis)
    later = bury_emails(redis, 5, begin=5)
    assert dead_letters.count(connection=redis) == 10
    done = dead_letters.replay_all(EMAILS, connection=redis, by=BY)

    assert shown.job_ids == done.job_ids == ids
    assert dead_letters.replay_all(EMAILS, connection=redis, by=BY).job_ids == later


def test_the_run_replays_what_the_dry_run_showed_while_producers_never_stop(redis):
    begun = set(bury_emails(redis, 30))
    stop = Event()

    def produce(begin):
        number = begin
        while not stop.is_set():
            bury_emails(redis, 1, begin=number)
            number += 1
        return number - begin

    with ThreadPool(3) as pool:
        producing = [pool.apply_async(produce, (10_000 * each,)) for each in (1, 2)]
        try:
            shown = dead_letters.dry_replay(EMAILS, connection=redis)
            between = dead_letters.count(connection=redis)
            ask_until_true(lambda: dead_letters.count(connection=redis) >= between + 20)
            done = dead_letters.replay_all(EMAILS, connection=redis, by=BY)
        finally:
            stop.set()
        produced = sum(each.get(10) for each in producing)

    assert begun <= set(shown.job_ids)
    assert done.job_ids == shown.job_ids == replayed(redis)
    assert dead_letters.count(connection=redis) == 30 + produced - len(shown.job_ids)


def test_after_a_dry_run_that_showed_none_the_run_replays_none(redis):
    assert dead_letters.dry_replay(EMAILS, connection=redis).job_ids == []
    bury_emails(redis, 1)

    assert dead_letters.replay_all(EMAILS, connection=redis, by=BY).job_ids == []
    assert len(dead_letters.replay_all(EMAILS, connection=redis, by=BY).job_ids) == 1


def test_a_dry_run_is_remembered_for_its_own_filter_only_and_not_for_ever(redis):
    first = bury_emails(redis, 1)
    dead_letters.dry_replay(EMAILS, connection=redis)
    second = bury_emails(redis, 1, begin=1)

    (plan,) = redis.keys(keys.dead_letter_plan("*"))
    done = dead_letters.replay_all(Filter(), connection=redis, by=BY)

    assert 0 < redis.ttl(plan) <= 900
    assert done.job_ids == first + second


def test_letters_that_fail_during_the_run_are_left_for_the_next(redis):
    ids = bury_emails(redis, 3)

    def fail_again(done, total):
        bury_message(redis, email(100 + done))

    done = dead_letters.replay_all(EMAILS, progress=fail_again, connection=redis, by=BY)

    assert done.job_ids == ids
    assert dead_letters.count(connection=redis) == 3


def test_what_cannot_be_replayed_stays_and_is_named_before_and_after(redis, now):
    bury_many(redis, 1, at=lambda _: now, message_type="EMAIL", envelope="rubbish")
    ids = bury_emails(redis, 1)

    shown = dead_letters.dry_replay(EMAILS, connection=redis)
    dead_letters.resolve(ids[0], connection=redis)
    done = dead_letters.replay_all(Filter(reason="permanent"), connection=redis, by=BY)

    assert shown.job_ids == ids
    for bulk in (shown, done):
        assert [(each.job_id, each.error.code) for each in bulk.refused] == [
            ("job-0000", "not_replayable")
        ]
    assert dead_letters.count(connection=redis) == 1


def test_the_run_after_a_dry_run_names_what_that_refused(redis):
    ids = bury_emails(redis, 2)
    unfit = {"subject": 5}

    for most in (None, 1):
        shown = dead_letters.dry_replay(EMAILS, most=most, data=unfit, connection=redis)
        done = dead_letters.replay_all(EMAILS, most=most, data=unfit, connection=redis, by=BY)

        assert list(shown.job_ids) == list(done.job_ids) == []
        assert [each.job_id for each in shown.refused] == ids[:most]
        assert [each.error.as_dict() for each in done.refused] == [
            each.error.as_dict() for each in shown.refused
        ]
    assert dead_letters.count(connection=redis) == 2


def test_a_letter_that_somebody_else_replays_meanwhile_is_left_out(redis):
    ids = bury_emails(redis, 2)

    def purge_next(done, total):
        dead_letters.resolve(ids[1], connection=redis)

    done = dead_letters.replay_all(EMAILS, progress=purge_next, connection=redis, by=BY)

    assert done.job_ids == ids[:1]


def test_the_rate_limits_how_many_go_in_a_second(redis):
    bury_emails(redis, 6)

    begin = time.monotonic()
    dead_letters.replay_all(EMAILS, rate=20, connection=redis, by=BY)

    assert time.monotonic() - begin >= 5 / 20


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_of_nothing_is_refused(redis, rate):
    with pytest.raises(InvalidOption, match="rate"):
        dead_letters.replay_all(EMAILS, rate=rate, connection=redis, by=BY)


def test_a_replay_that_is_killed_and_started_again_sends_each_letter_once(redis, start_process):
    ids = bury_emails(redis, 300)

    first = start_process(sys.executable, "-c", REPLAY, cwd=ROOT)
    first.wait_for("100 of 300", within=20)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    assert "over" not in first.output()
    begun = len(replayed(redis))
    second = start_process(sys.executable, "-c", REPLAY, cwd=ROOT)
    second.wait_for("over", within=20)

    assert 100 <= begun < 300
    assert sorted(replayed(redis)) == sorted(ids)
    assert dead_letters.count(connection=redis) == 0


def test_two_people_who_replay_the_same_letters_send_each_once(redis):
    ids = bury_emails(redis, 60)

    def run(actor):
        return dead_letters.replay_all(EMAILS, by=By(actor, "mended"), connection=redis)

    with ThreadPool(2) as pool:
        ada, grace = pool.map(run, ["ada", "grace"])

    assert sorted([*ada.job_ids, *grace.job_ids]) == sorted(ids)
    assert sorted(replayed(redis)) == sorted(ids)


def test_letters_are_purged_by_filter_after_a_dry_run_that_shows_them(redis):
    ids = bury_emails(redis, 3)
    dead_letters.bury(letter("other"), meta={}, connection=redis)
    told = []

    shown = dead_letters.dry_purge(EMAILS, connection=redis)
    assert dead_letters.count(connection=redis) == 4
    later = bury_emails(redis, 1, begin=3)
    done = dead_letters.purge_all(
        EMAILS, progress=lambda *at: told.append(at), connection=redis, by=BY
    )

    assert shown.job_ids == done.job_ids == ids
    assert told == [(3, 3)]
    left = {found.job_id for found in dead_letters.newest(9, connection=redis)}
    assert left == {"other", *later}
    ended, begun = audit.entries(2, connection=redis)
    assert begun.action == "dead_letter.purge_all"
    assert ended.details == {"before": 3, "after": 0}


def test_a_purged_letter_leaves_nothing_behind(redis):
    (job_id,) = bury_emails(redis, 1)

    dead_letters.purge(job_id, connection=redis, by=BY)

    assert [key for key in own_keys(redis) if b"dead" in key] == []
    with pytest.raises(dead_letters.DeadLetterNotFound):
        dead_letters.purge(job_id, connection=redis, by=BY)


def test_a_replay_that_fails_again_is_buried_under_its_new_id(redis, worker, send, eventually):
    handle = send("permanent")
    eventually(lambda: dead_letters.find(handle.id, connection=redis))

    done = dead_letters.replay_all(Filter(message_type="TEST"), connection=redis, by=BY)

    assert done.job_ids == [handle.id]
    again = eventually(lambda: list(dead_letters.newest(1, connection=redis)))[0]
    assert again.envelope["causationId"] == handle.id
    assert again.envelope["metadata"] == {"replayOf": handle.id}
