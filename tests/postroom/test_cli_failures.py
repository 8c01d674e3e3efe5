"""What `postroom failures` says and does."""

from functools import partial

import pytest

from tests.workers.failing import Failing, an_email, groups, raised
from workers import audit, dead_letters

WHY = ("--reason", "it is known", "--actor", "ada")


@pytest.fixture
def call(redis, command_line):
    return partial(command_line.told, "failures")


@pytest.fixture
def failing(redis):
    return Failing(redis)


def test_the_list_has_a_line_for_each_kind(call, failing, redis):
    assert call("list") == "No such failures.\n"
    failing.died(raised("order 17 is closed"))
    failing.died(raised("it is open"))

    told = call("list")
    assert told.index("ClosedError: it is open") < told.index("ClosedError: order … is closed")
    assert [each["fingerprint"] for each in call("list", "--json")["groups"]] == groups(redis)[::-1]
    assert "More: --cursor" in call("list", "--limit", "1")


def test_a_kind_is_shown_with_trend_releases_and_jobs(call, failing, redis):
    job_id = failing.died(raised("closed"), version="v7")
    [name] = groups(redis)

    told = call("show", name)
    assert "tests.workers.failing.ClosedError: closed" in told
    assert "1 failure from" in told
    assert "last 24 hours: " in told
    assert "█ 1 in all" in told
    assert "v7" in told
    assert f"{job_id}  failed  yes" in told
    assert len(call("show", name, "--hours", "3", "--json")["trend"]) == 3


def test_mute_unmute_and_fixed_are_done_once_and_written_down(call, failing, redis):
    failing.died(raised("closed"))
    [name] = groups(redis)

    assert call("mute", name, *WHY) == "Muted.\n"
    assert call("mute", name, *WHY) == "It was muted already.\n"
    assert call("unmute", name, *WHY, "--json") == {"success": True, "changed": True}
    assert call("fixed", name, "--in", "v2", *WHY) == "Marked as mended in v2.\n"
    assert "fixed in v2, ada at " in call("show", name)
    assert call("list", "--state", "open", "--json")["groups"] == []
    entries = [(entry.action, entry.actor) for entry in audit.entries(connection=redis)]
    assert entries == [
        ("failure.mark_fixed", "ada"),
        ("failure.unmute", "ada"),
        ("failure.mute", "ada"),
    ]


def test_a_replay_sends_a_few_or_all_and_a_dry_run_none(call, failing, redis):
    ids = [failing.died(raised("closed"), message=an_email(number)) for number in range(4)]
    [name] = groups(redis)

    assert call("replay", name, "--dry-run", *WHY, "--json") == ids
    assert call("replay", name, "--trial", "1", *WHY, "--json") == ids[:1]
    assert "Replayed 3" in call("replay", name, "--rate", "1000/s", *WHY)
    assert dead_letters.count(connection=redis) == 0


def test_what_does_not_exist_or_fit_is_said(call, failing):
    assert "There is no group of failures abc" in call("show", "abc", code=2)
    assert "There is no state 'new'" in call("list", "--state", "new", code=2)
    assert call("mute", "abc", *WHY, "--json", code=2)["error"]["code"] == "failure_group_not_found"
