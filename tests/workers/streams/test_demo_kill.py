"""The demo's key `k`: a consumer dies, and its entries are seen claimed."""

from postroom.demo.killing import Killer
from tests.workers.streams.test_workers import sleeping, work
from workers import publish, stream_keys

__all__ = ["work"]


def test_a_consumer_is_killed_and_its_entries_are_seen_claimed(
    redis, stream, work, eventually
) -> None:
    first = work("--concurrency", "3")
    for _ in range(2):
        publish(sleeping(60), stream=stream, connection=redis)
    eventually(lambda: len(first.starts("sleep")) == 2)
    eventually(lambda: redis.keys(stream_keys.consumer("workers", "*")))
    work("--concurrency", "3")
    killer = Killer(redis, "workers")
    killer.ask()

    (line,) = eventually(lambda: list(killer.look()), within=15)
    assert "with 2 entries in hand" in line
    assert first.process.popen.wait(5) == -9
    (line,) = eventually(lambda: list(killer.look()), within=15)
    assert "k: its 2 entries were claimed after" in line


def test_without_a_consumer_there_is_nothing_to_kill(redis, monkeypatch) -> None:
    monkeypatch.setattr("postroom.demo.killing._PATIENCE", 0)
    killer = Killer(redis, "workers")
    killer.ask()

    assert list(killer.look()) == ["k: there is no consumer to kill"]
    assert list(killer.look()) == []
