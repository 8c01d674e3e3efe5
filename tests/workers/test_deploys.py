import json

import pytest

from monitoring.numbers.deploys import get_deploys
from workers import InvalidOption, deploys, keys
from workers.published import publish


def versions(redis):
    return [each["version"] for each in get_deploys(connection=redis)]


def test_a_mark_has_the_time_of_redis(redis):
    before, _ = redis.time()

    at = deploys.mark(" v1 ", note=" new ", actor="ann", connection=redis)

    assert before * 1000 <= at < (before + 5) * 1000
    assert json.loads(redis.lindex(keys.deploys(), 0)) == {
        "version": "v1",
        "at": at,
        "note": "new",
        "actor": "ann",
    }


def test_a_release_may_be_marked_again(redis):
    for version in ("v1", "v2", "v1"):
        deploys.mark(version, connection=redis)

    assert versions(redis) == ["v1", "v2", "v1"]


def test_the_first_worker_of_a_release_is_enough(redis):
    for version in ("v1", "v1", "v2", "v1"):
        publish(version, connection=redis)

    assert versions(redis) == ["v1", "v2"]
    assert {each["actor"] for each in get_deploys(connection=redis)} == {""}


def test_a_release_that_somebody_marked_is_told_as_marked(redis):
    publish("v1", connection=redis)
    deploys.mark("v1", note="new", connection=redis)
    publish("v2", connection=redis)

    found = get_deploys(connection=redis)

    assert [(each["version"], each["note"]) for each in found] == [("v1", "new"), ("v2", "")]


def test_a_release_that_nobody_knows_is_no_deployment(redis):
    publish("unknown", connection=redis)

    assert versions(redis) == []


@pytest.mark.parametrize(
    "damaged", ["", "x", "[]", "null", '{"version": "v1", "at": 1e99}', '{"version": "v1"}']
)
def test_what_is_no_mark_is_passed_over(redis, damaged):
    redis.rpush(keys.deploys(), damaged)
    deploys.mark("v2", connection=redis)

    assert versions(redis) == ["v2"]


@pytest.mark.parametrize(
    ("version", "note", "actor", "field"),
    [
        ("", "", "", "version"),
        ("v" * 101, "", "", "version"),
        ("v1", "n" * 501, "", "note"),
        ("v1", "", "a" * 201, "actor"),
    ],
)
def test_a_text_that_is_too_long_is_refused(redis, version, note, actor, field):
    with pytest.raises(InvalidOption) as refused:
        deploys.mark(version, note=note, actor=actor, connection=redis)

    assert refused.value.field == field
    assert versions(redis) == []


def test_the_newest_marks_are_kept(redis):
    redis.rpush(keys.deploys(), *["{}"] * deploys.KEPT)

    deploys.mark("v1", connection=redis)

    assert redis.llen(keys.deploys()) == deploys.KEPT
    assert versions(redis) == ["v1"]
