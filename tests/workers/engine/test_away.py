"""What a worker says while Redis does not do what it asks, and that it goes on asking."""

import logging

import pytest
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import OutOfMemoryError, ResponseError

from workers import keys
from workers.engine.away import Away


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.engine.away.SHORTEST", 0.0001)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg["event"] for record in caplog.records]


def test_a_key_of_the_wrong_type_is_named_with_a_remedy_and_asked_again_until_it_is_mended(
    redis, caplog
):
    key = keys.queue("default")
    redis.set(key, "no list")

    def mend() -> bool:
        redis.delete(key)
        return False

    with caplog.at_level(logging.WARNING, "postroom.worker"):
        assert Away("worker-1").insist(lambda: redis.rpush(key, "job"), until=mend) == 1
    assert events(caplog) == ["redis_refuses", "redis_is_back"]
    assert "WRONGTYPE" in caplog.records[0].msg["error"]
    assert "look at the key" in caplog.records[0].msg["remedy"]


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("Connection refused."),
        OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        ResponseError("BUSY Redis is busy running a script."),
        ResponseError("Error running script (call to f_1): @user_script:1: -READONLY You can't"),
    ],
)
def test_what_passes_is_said_as_such(caplog, error):
    with caplog.at_level(logging.WARNING, "postroom.worker"):
        Away("worker-1").pause(error)
    assert events(caplog) == ["redis_unreachable"]


def test_at_most_ten_lines_a_minute_are_written(caplog, monkeypatch):
    away = Away("worker-1")
    with caplog.at_level(logging.WARNING, "postroom.worker"):
        for second in range(600):
            monkeypatch.setattr("time.monotonic", lambda now=1_000 + second / 10: now)
            away.pause(Unreachable("Connection refused."))
    assert events(caplog) == ["redis_unreachable"] * 6
