"""What a search finds is retried and cancelled at once, after a look at it."""

import json
import sys

import pytest
from redis import Redis

from postroom.cli import main
from tests.workers.letters import email
from workers import audit, connection, enqueue, keys, settings

WHY = ("--reason", "a fire")


@pytest.fixture
def postroom(redis: Redis, monkeypatch, capsys):
    def _postroom(*arguments: str, code: int = 0) -> dict:
        settings.load_settings.cache_clear()
        connection.connection_for.cache_clear()
        monkeypatch.setattr(sys, "argv", ["postroom", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert int(ended.value.code or 0) == code
        return json.loads(capsys.readouterr().out)

    yield _postroom
    settings.load_settings.cache_clear()
    connection.connection_for.cache_clear()


def test_a_dry_run_says_which_and_the_run_takes_just_those(redis: Redis, postroom) -> None:
    first = [enqueue(email(number), connection=redis).id for number in range(2)]

    planned = postroom("jobs", "cancel-all", "type:EMAIL state:waiting", "--dry-run", *WHY)
    later = enqueue(email(3), connection=redis).id
    done = postroom("jobs", "cancel-all", "type:EMAIL state:waiting", *WHY)

    assert sorted(planned["jobIds"]) == sorted(done["jobIds"]) == sorted(first)
    assert redis.hget(keys.job(later), "status") == b"queued"
    entry = audit.entries(1, connection=redis)[0]
    assert (entry.action, entry.reason) == ("job.cancel_all_ended", "a fire")


def test_what_is_due_later_runs_now(redis: Redis, postroom) -> None:
    sent = enqueue(email(), delay=3600, connection=redis)

    done = postroom("jobs", "retry-all", "type:EMAIL state:delayed", *WHY)

    assert (done["count"], done["dryRun"]) == (1, False)
    assert redis.hget(keys.job(sent.id), "status") == b"queued"


def test_a_search_for_nothing_is_refused(postroom) -> None:
    told = postroom("jobs", "cancel-all", " ", *WHY, code=2)

    assert told["error"]["field"] == "query"
