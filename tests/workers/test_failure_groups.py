"""Failures of one kind are one group: recorded as they happen, muted, mended, replayed."""

import json
import time

import pytest

from monitoring.failures import get_failure_group, get_failure_groups
from tests.workers.conftest import message, settled
from tests.workers.failing import Failing, an_email, groups, raised
from tests.workers.letters import bury_message, message_of
from tests.workers.pin_app import PinMessage
from workers import (
    By,
    InvalidOption,
    audit,
    dead_letters,
    failure_groups,
    keys,
)
from workers.dead_letters import Filter
from workers.dead_letters.patches import change_of
from workers.errors import FailureGroupNotFound
from workers.published import publish

BY = By("ada", "known")


@pytest.fixture
def failing(redis):
    return Failing(redis)


def only(redis):
    [group] = get_failure_groups(connection=redis)["groups"]
    return group


def later(redis):
    """Let the clock of Redis go on by a millisecond."""
    seconds, micros = redis.time()
    while (now := redis.time()) <= (seconds, micros + 1_000) and now[0] == seconds:
        time.sleep(0.0005)


def test_failures_that_differ_only_in_numbers_are_one_group(redis, failing):
    first = failing.retried(raised("order 17 of 'ada' is closed"))
    second = failing.died(raised("order 18 of 'bob' is closed"))

    group = only(redis)
    assert group["count"] == 2
    assert group["message"] == "order … of … is closed"
    assert group["errorType"] == "tests.workers.failing.ClosedError"
    assert group["place"] == "tests.workers.failing._raise"
    assert (group["messageType"], group["queues"], group["state"]) == ("EMAIL", ["email"], "open")
    assert group["firstSeen"] <= group["lastSeen"]
    found = get_failure_group(group["fingerprint"], connection=redis)
    assert [job["jobId"] for job in found["jobs"]] == [second, first]
    assert [(job["status"], job["deadLetter"]) for job in found["jobs"]] == [
        ("failed", True),
        ("scheduled", False),
    ]


def test_other_types_and_other_errors_are_other_groups(redis, failing):
    failing.retried(raised("closed"))
    failing.retried(raised("closed"), message=message("echo"))
    failing.retried(raised("open"))
    failing.retried(raised("closed", ValueError))

    assert len(groups(redis)) == 4


def test_the_groups_agree_with_the_counters_hour_by_hour(redis, failing):
    for number in range(3):
        failing.retried(raised(f"closed {number}"))

    [name] = groups(redis)
    [hour] = redis.keys(keys.stats("h", 0)[:-1] + "*")
    assert redis.hget(hour, f"failure|{name}|email|EMAIL|n") == b"3"
    found = get_failure_group(name, hours=3, connection=redis)
    assert sum(each["count"] for each in found["trend"]) == found["count"] == 3
    assert len(found["trend"]) == 3


def test_a_success_touches_no_group(redis, send, worker):
    settled(send("echo"))

    assert groups(redis) == []


def test_a_real_worker_records_each_attempt_and_the_release(redis, send, worker):
    handle = send("retry after", attempts=2)
    settled(handle)

    group = only(redis)
    assert group["count"] == 2
    assert (group["messageType"], group["message"]) == ("TEST", "slow down")
    assert group["place"].endswith("app.do_as_asked")
    assert [group["releases"]] == [[name.decode()] for name in redis.zrange(keys.releases(), 0, -1)]
    assert redis.hget(keys.failure(group["fingerprint"]), "jobs") == handle.id.encode()


def test_a_group_names_the_newest_twenty_jobs_each_once(redis, failing):
    ids = [failing.retried(raised("closed")) for _ in range(25)]

    found = get_failure_group(only(redis)["fingerprint"], connection=redis)
    assert [job["jobId"] for job in found["jobs"]] == ids[:4:-1]


def test_a_group_tells_each_release_with_its_count(redis, failing):
    for version in ("v1", "v2", "v1"):
        failing.retried(raised("closed"), version=version)

    found = get_failure_group(only(redis)["fingerprint"], connection=redis)
    assert [(each["version"], each["count"]) for each in found["versions"]] == [
        ("v2", 1),
        ("v1", 2),
    ]


def test_a_group_forgets_all_but_the_newest_twenty_releases(redis, failing):
    for number in range(22):
        failing.retried(raised("closed"), version=f"v{number}")

    [name] = groups(redis)
    found = get_failure_group(name, connection=redis)
    assert [each["version"] for each in found["versions"]] == [f"v{n}" for n in range(21, 1, -1)]
    assert not redis.hexists(keys.failure(name), "count|v0")


def test_only_the_newest_thousand_groups_are_kept_and_all_expire(redis, failing):
    now = int(time.time() * 1000)
    redis.zadd(
        keys.failures(), {f"old-{number:04}": now - 2_000 + number for number in range(1_000)}
    )
    redis.zadd(keys.failures(), {"ancient": now - 91 * 86_400_000})
    redis.hset(keys.failure("old-0000"), "first", 1)

    failing.retried(raised("closed"))

    assert redis.zcard(keys.failures()) == 1_000
    assert redis.zscore(keys.failures(), "old-0001") is not None
    assert [redis.zscore(keys.failures(), each) for each in ("ancient", "old-0000")] == [None, None]
    assert not redis.exists(keys.failure("old-0000"))
    newest = groups(redis)[-1]
    assert 89 * 86_400 < redis.ttl(keys.failure(newest)) <= 90 * 86_400


def test_errors_that_are_all_different_do_not_fill_the_counters(redis, failing):
    failing.retried(raised("closed"))
    [hour] = redis.keys(keys.stats("h", 0)[:-1] + "*")
    redis.hset(hour, mapping={f"filler|{number}": 1 for number in range(20_000)})

    failing.retried(raised("closed"))
    failing.retried(raised("something new"))

    [known, new] = groups(redis)
    assert redis.hget(hour, f"failure|{known}|email|EMAIL|n") == b"2"
    assert redis.hget(hour, f"failure|{new}|email|EMAIL|n") is None
    assert redis.hget(hour, "failure|other|email|EMAIL|n") == b"1"


def test_an_error_with_half_a_surrogate_pair_is_recorded(redis, failing):
    failing.retried(raised("half \ud800 of it"))
    job_id = failing.died(raised("half \ud800 of it"))

    assert (only(redis)["message"], only(redis)["count"]) == ("half ? of it", 2)
    assert redis.hget(keys.job(job_id), "status") == b"failed"


def test_a_secret_of_the_message_is_not_in_its_group(redis, failing):
    failing.died(raised("refused by smtp://ada:hunter2-hunter2@mail"))

    [name] = groups(redis)
    assert b"hunter2" not in b"".join(redis.hgetall(keys.failure(name)).values())


def test_a_refused_end_of_a_run_is_no_failure(redis, failing):
    failing.retried(raised("closed"), lost=True)

    assert groups(redis) == []


# --- what people say ------------------------------------------------------------------------------


def test_a_muted_group_counts_on_and_stays_muted_until_somebody_opens_it(redis, failing):
    failing.retried(raised("closed"))
    [name] = groups(redis)

    assert failure_groups.mute(name, by=BY, connection=redis)
    assert not failure_groups.mute(name, by=BY, connection=redis)
    failing.retried(raised("closed"), version="v9")

    group = only(redis)
    assert (group["state"], group["count"]) == ("muted", 2)
    assert (group["by"]["actor"], group["by"]["reason"]) == ("ada", "known")
    assert failure_groups.unmute(name, by=BY, connection=redis)
    assert not failure_groups.unmute(name, by=BY, connection=redis)
    assert only(redis)["state"] == "open"
    actions = [(entry.action, entry.target) for entry in audit.entries(connection=redis)]
    assert actions == [("failure.unmute", name), ("failure.mute", name)]


def mended(redis, failing, version):
    failing.retried(raised("closed"), version="v1")
    later(redis)
    [name] = groups(redis)
    failure_groups.mark_fixed(name, version, by=BY, connection=redis)
    later(redis)
    return name


def test_a_mended_group_stays_so_while_only_old_releases_fail(redis, failing):
    mended(redis, failing, "v2")

    failing.retried(raised("closed"), version="v1")

    group = only(redis)
    assert (group["state"], group["fixedIn"], group["count"]) == ("fixed", "v2", 2)
    [entry] = audit.entries(connection=redis)
    assert (entry.action, entry.details) == ("failure.mark_fixed", {"version": "v2"})


@pytest.mark.parametrize("version", ["v2", "v3", "unknown"])
def test_a_mended_group_opens_when_the_release_or_a_newer_one_fails(redis, failing, version):
    mended(redis, failing, "v2")

    failing.retried(raised("closed"), version=version)

    group = only(redis)
    assert (group["state"], group["fixedIn"]) == ("reopened", "v2")
    assert group["reopenedIn"] == version
    assert group["reopenedAt"] == group["lastSeen"]


def test_newer_is_what_was_seen_later_also_without_a_failure(redis, failing):
    publish("v1", connection=redis)
    name = mended(redis, failing, "v3")
    for version in ("v2", "v3", "v4"):
        publish(version, connection=redis)
        later(redis)

    failing.retried(raised("closed"), version="v2")
    assert only(redis)["state"] == "fixed"
    failing.retried(raised("closed"), version="v4")
    assert only(redis)["state"] == "reopened"
    assert failure_groups.mark_fixed(name, "v5", by=BY, connection=redis)
    assert only(redis)["reopenedIn"] is None


def test_a_release_that_is_published_again_keeps_its_place(redis):
    for version in ("v1", "v2", "v1"):
        publish(version, connection=redis)
        later(redis)

    assert redis.zrange(keys.releases(), 0, -1) in ([b"v1", b"v2"], [])


def test_what_cannot_be_marked_is_said(redis, failing):
    failing.retried(raised("closed"))
    [name] = groups(redis)

    with pytest.raises(FailureGroupNotFound, match="no group of failures 000000000000"):
        failure_groups.mute("000000000000", by=BY, connection=redis)
    with pytest.raises(InvalidOption, match="version is empty"):
        failure_groups.mark_fixed(name, " ", by=BY, connection=redis)
    with pytest.raises(InvalidOption, match="reason is empty"):
        failure_groups.mute(name, by=By("ada", ""), connection=redis)
    assert only(redis)["state"] == "open"
    assert audit.entries(connection=redis) == []
    assert not redis.exists(keys.failure("000000000000"))


# --- replay ---------------------------------------------------------------------------------------


def test_letters_know_what_they_died_of_and_can_be_chosen_by_it(redis, failing):
    one = failing.died(raised("closed 1"))
    failing.died(raised("open"))
    two = failing.died(raised("closed 2"))

    name = get_failure_group(groups(redis)[-1], connection=redis)["fingerprint"]
    found = dead_letters.page(Filter(fingerprint=name), connection=redis).letters
    assert [letter.job_id for letter in found] == [two, one]
    assert {letter.fingerprint for letter in found} == {name}


def test_a_few_letters_are_replayed_as_a_trial_and_then_all(redis, failing):
    ids = [failing.died(raised("closed"), message=an_email(number)) for number in range(5)]
    other = failing.died(raised("open"))
    name = groups(redis)[0]

    shown = failure_groups.dry_replay(name, most=2, connection=redis)
    trial = failure_groups.replay(name, most=2, by=BY, connection=redis)
    rest = failure_groups.replay(name, by=BY, connection=redis)

    assert list(shown.job_ids) == list(trial.job_ids) == ids[:2]
    assert list(rest.job_ids) == ids[2:]
    assert [letter.job_id for letter in dead_letters.newest(9, connection=redis)] == [other]
    _, newest, _, oldest = audit.entries(connection=redis)
    assert oldest.details == {"filter": {"fingerprint": name}, "letters": 2}
    assert newest.details == {"filter": {"fingerprint": name}, "letters": 3}
    with pytest.raises(InvalidOption, match="letters are none"):
        failure_groups.replay(name, most=0, by=BY, connection=redis)


def test_all_letters_are_replayed_with_the_same_change(redis, failing):
    ids = [failing.died(raised("closed"), message=an_email(number)) for number in range(3)]
    name = groups(redis)[0]
    dead_letters.edit(ids[2], {"subject": "Mended"}, by=BY, connection=redis)
    change = change_of(dead_letters.find(ids[2], connection=redis))
    assert change == {"subject": "Mended"}

    unfit = failure_groups.dry_replay(name, data={"subject": 5}, connection=redis)
    shown = failure_groups.dry_replay(name, data=change, connection=redis)
    late = failing.died(raised("closed"), message=an_email(9))
    done = failure_groups.replay(name, data=change, by=BY, connection=redis)

    assert (list(unfit.job_ids), [each.job_id for each in unfit.refused]) == ([], ids)
    assert list(shown.job_ids) == list(done.job_ids) == ids
    sent = [message_of(redis, each.decode()) for each in redis.lrange(keys.queue("email"), 0, -1)]
    assert [each["data"]["subject"] for each in sent] == ["Mended"] * 3
    assert len({each["data"]["to"] for each in sent}) == 3
    assert [each.job_id for each in dead_letters.newest(9, connection=redis)] == [late]
    assert audit.entries(2, connection=redis)[1].details["fields"] == ["data.subject"]


def test_a_change_of_a_secret_is_not_told_for_others(redis):
    data = {"holder": "Ada", "pin": "77ab19f6c2", "spares": []}
    job_id = bury_message(redis, PinMessage(data=data), queue="default")
    assert change_of(dead_letters.find(job_id, connection=redis)) is None

    dead_letters.edit(job_id, {"pin": "new-1"}, by=BY, connection=redis)

    assert change_of(dead_letters.find(job_id, connection=redis)) is None


def test_a_short_form_of_an_older_release_has_no_fingerprint(redis, failing):
    job_id = failing.died(raised("closed"))
    short = json.loads(redis.hget(keys.dead_letter_index(), job_id))
    del short["fingerprint"]
    redis.hset(keys.dead_letter_index(), job_id, json.dumps(short))

    [letter] = dead_letters.page(connection=redis).letters
    assert letter.fingerprint == ""
