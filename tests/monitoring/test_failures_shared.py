"""What dead messages have in common that others of their type have not."""

from datetime import timedelta

import pytest

from monitoring.board.failing import outlook_of
from monitoring.board.places.failure_group import read as read_group
from monitoring.board.places.failures import Asked
from monitoring.board.places.failures import read as read_list
from monitoring.board.standing import read_standing
from monitoring.failures.groups import read_groups
from monitoring.failures.letters import newest_letters, what_they_share, whole_letters
from monitoring.failures.sharing import Shared, shared_values
from monitoring.failures.trends import read_trends
from monitoring.failures.trials import read_trials
from tests.monitoring.trips import counting
from tests.workers.failing import Failing, an_email, raised
from workers import By, dead_letters, enqueue, keys
from workers.clock import utc_now
from workers.settings import load_settings

BY = By("ada", "a trial")


def envelope(**data):
    return {"messageId": "1", "timestamp": "now", "data": data, "metadata": {"producer": "web"}}


def told(found):
    return [(each.path, each.value, round(each.here), each.everywhere) for each in found]


def test_the_most_telling_value_stands_first_and_what_says_nothing_last():
    dead = [envelope(template="weekly", to=f"a{number}@gmail.com") for number in range(4)]
    others = [envelope(template="welcome", to=f"b{number}@posteo.de") for number in range(3)]

    found = shared_values(dead, [*others, envelope(template="weekly", to="c@gmail.com")])

    assert told(found) == [
        ("data.template", "weekly", 100, 25.0),
        ("data.to, domain", "gmail.com", 100, 25.0),
        ("metadata.producer", "web", 100, 100.0),
    ]
    assert [each.is_telling for each in found] == [True, True, False]


def test_a_kind_of_value_that_only_the_dead_have_is_told():
    dead = [envelope(weight=f"{number} lb") for number in range(3)]
    others = [envelope(weight=number) for number in range(3)]

    assert told(shared_values(dead, others))[0] == ("data.weight", "is a text", 100, 0.0)


def test_a_value_that_only_the_dead_have_at_all_is_told_once():
    found = shared_values([envelope(note=str(number)) for number in range(3)], [envelope()])

    assert [each.value for each in found if each.path == "data.note"] == ["is there"]


def test_without_others_everything_may_tell():
    [only] = shared_values([{"data": {"a": 1}}] * 2, [])

    assert only == Shared("data.a", "1", 100.0, None)
    assert only.is_telling


@pytest.mark.parametrize("junk", ["text", None, [1], 7])
def test_what_is_no_message_shares_nothing(junk):
    assert shared_values([junk, junk], [junk]) == []


def test_a_sample_of_letters_is_compared_with_jobs_of_the_type(redis):
    failing = Failing(redis)
    for number in range(2):
        failing.died(raised("closed"), message=an_email(number))
    for number in range(2):
        enqueue(an_email(number), connection=redis, queue="other")
    [(name, group)] = read_groups(connection=redis)
    letters = newest_letters(connection=redis).of(name)

    whole = whole_letters(letters.sample(), connection=redis)
    found = what_they_share(whole, "EMAIL", connection=redis)

    assert (letters.count, letters.is_cut) == (2, False)
    assert {each.path for each in found} >= {"data.template"}
    assert all(each.everywhere == 100 for each in found)
    trends = read_trends([(name, group)], now=utc_now(), connection=redis)
    assert sum(trends[name]) == 2
    assert len(trends[name]) == 24
    broken = enqueue(an_email(3), connection=redis).id
    redis.hset(keys.job(broken), "timeout", "abc")
    assert what_they_share(whole, "EMAIL", connection=redis) == found


def test_a_trial_is_followed_from_its_letter(redis):
    died = Failing(redis).died(raised("closed"))
    before = read_trials([died, "none"], connection=redis)
    assert [each.outcome for each in before] == ["unknown", "unknown"]

    new = dead_letters.replay(died, by=BY, connection=redis)

    [trial] = read_trials([died], connection=redis)
    assert (trial.successor, trial.outcome) == (new, "waits")
    for status, outcome in (("started", "runs"), ("finished", "succeeded"), ("failed", "failed")):
        redis.hset(keys.job(new), "status", status)
        [trial] = read_trials([died], connection=redis)
        assert trial.outcome == outcome


def test_the_places_take_few_round_trips(redis, redis_server):
    failing = Failing(redis)
    for number in range(3):
        failing.died(raised(f"{'abc'[number]} is closed"))
        failing.died(raised("d is closed"))
    standing = read_standing(connection=redis, settings=load_settings(), rules=(), root="")
    [(name, _), *_] = read_groups(connection=redis)

    with counting(redis_server.url) as client:
        shown = read_list(standing, Asked("open", "", "", "", 0), client)
        assert client.trips <= 20
        read_group(standing, name, None, ["none"], "form", client)
        assert client.trips <= 20

    assert len(shown["rows"]) == 4
    assert shown["rows"][0].dead == 3


def test_a_failure_after_the_look_at_the_rest_was_just_now(redis) -> None:
    standing = read_standing(connection=redis, settings=load_settings(), rules=(), root="")
    seen = (standing.now + timedelta(seconds=2)).isoformat()
    group = {"queues": [], "messageType": "EMAIL", "lastSeen": seen, "state": "open"}

    told = outlook_of(group, standing, dead=1)

    assert told is not None
    assert told.why == "The last failure was 1 s ago, and no release came since."
