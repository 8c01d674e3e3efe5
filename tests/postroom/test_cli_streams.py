"""`postroom streams`, as people and as programs use it."""

import pytest

from tests.postroom.test_cli_operations import Postroom, forget_settings
from tests.workers.streams.places import TEMPLATE, own
from tests.workers.streams.readers import Consumer
from workers import stream_keys

WHY = ("--reason", "a fire")
SCAN = '{"guildId": "123", "channelId": "456"}'


@pytest.fixture
def postroom(redis, monkeypatch, capsys):
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)
    monkeypatch.setenv("STREAM_PATTERNS", own("jobs:*"))
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    yield Postroom(monkeypatch, capsys)
    forget_settings()


SCANS = own("jobs:guild:123:message_scan")


def test_publish_says_where_the_message_is(redis, postroom) -> None:
    told = postroom.json("streams", "publish", "MESSAGE_SCAN", "--data", SCAN)

    assert (told["success"], told["stream"]) == (True, SCANS)
    ((entry, fields),) = redis.xrange(SCANS)
    assert (entry.decode(), fields[b"job_id"].decode()) == (told["entry_id"], told["message_id"])


def test_publish_takes_a_name_a_priority_and_a_delay(redis, postroom) -> None:
    words = ("--stream", own("jobs:mine"), "--priority", "1", "--delay", "60")
    told = postroom.json("streams", "publish", "MESSAGE_SCAN", "--data", SCAN, *words)

    assert (told["stream"], told["entry_id"]) == (own("jobs:mine:high"), None)
    assert redis.zcard(stream_keys.delayed()) == 1


def test_a_wrong_message_is_one_line_and_nothing_is_written(redis, postroom) -> None:
    told = postroom("streams", "publish", "MESSAGE_SCAN", "--data", "{}", code=2)

    assert "data.guildId" in told
    assert not redis.exists(stream_keys.streams())


def test_list_peek_info_and_pending_show_the_same_stream(postroom) -> None:
    for _ in range(2):
        postroom("streams", "publish", "MESSAGE_SCAN", "--data", SCAN)

    assert f"{SCANS}        2        0  2 of 10,000  none" in postroom("streams", "list")
    assert "message_scan" in postroom("streams", "peek", SCANS)
    assert "2 of 10,000 entries" in postroom("streams", "info", SCANS)
    assert "postroom streams worker" in postroom("streams", "pending", SCANS)
    (row,) = postroom.json("streams", "list", "--guild", "123")["streams"]
    assert (row["queued_count"], row["tenant"]) == (2, "123")
    assert len(postroom.json("streams", "peek", SCANS, "--count", "1")["jobs"]) == 1
    assert postroom.json("streams", "info", SCANS)["length"] == 2


def test_streams_of_others_are_listed_when_one_asks_for_a_search(redis, postroom) -> None:
    redis.xadd(own("jobs:foreign"), {"a": "b"})

    assert postroom.json("streams", "list")["streams"] == []
    assert "jobs:foreign" in postroom("streams", "list", "--search")


def test_a_name_that_is_not_there_gives_a_hint(postroom) -> None:
    assert "There is no stream nothing" in postroom("streams", "peek", "nothing")
    assert "There is no stream nothing" in postroom("streams", "info", "nothing")
    assert "hint" in postroom.json("streams", "pending", "nothing")


def test_what_is_in_hand_is_shown_and_can_be_given_away(redis, postroom) -> None:
    postroom("streams", "publish", "MESSAGE_SCAN", "--data", SCAN)
    consumer = Consumer(redis)
    consumer.take()
    assert consumer.consumer in postroom("streams", "pending", SCANS)
    assert "yes" in postroom("streams", "info", SCANS)
    alive = postroom.json("streams", "delete-consumer", SCANS, consumer.consumer, *WHY, code=2)
    assert alive["error"]["code"] == "invalid_state"

    consumer.vanish()
    told = postroom.json("streams", "claim", SCANS, "--consumer", consumer.consumer, *WHY)
    assert told == {"success": True, "claimed": 1}
    assert "Removed" in postroom("streams", "delete-consumer", SCANS, consumer.consumer, *WHY)


def test_trim_removes_what_is_done(redis, postroom) -> None:
    for _ in range(3):
        postroom("streams", "publish", "MESSAGE_SCAN", "--data", SCAN)
    redis.xgroup_create(SCANS, "workers", "0")
    read = redis.xreadgroup("workers", "me", {SCANS: ">"})[0][1]
    redis.xack(SCANS, "workers", *[entry for entry, _ in read])

    assert postroom.json("streams", "trim", SCANS, "--keep", "1", *WHY)["trimmed"] == 2


def test_a_pattern_that_fits_nothing_is_refused(postroom) -> None:
    told = postroom("streams", "worker", "--streams", "rq:queue:*", code=2)

    assert "cannot be a pattern of streams" in told
