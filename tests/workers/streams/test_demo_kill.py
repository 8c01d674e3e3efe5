"""The demo's key `k`: a consumer dies, and its entries are seen claimed."""

from postroom.demo.killing import Killer
from tests.workers.streams.test_workers import sleeping, work
from workers import keys, publish

__all__ = ["work"]


def test_a_consumer_is_killed_and_its_entries_are_seen_claimed(
    redis, stream, work, eventually
) -> None:
    first = work()
    publish(sleeping(60), stream=stream, connection=redis)
    publish(sleeping(0), stream=stream, connection=redis)
    eventually(lambda: first.starts("sleep"))
    eventually(lambda: redis.keys(keys.consumer("workers", "*")))
    work()
    killer = Killer(redis, "workers")

    assert "with 1 entries in hand" in killer.kill() or "with 2 entries" in killer.kill()
    assert first.process.popen.wait(5) == -9
    (line,) = eventually(lambda: list(killer.look()), within=15)
    assert "entries were claimed after" in line


def test_without_a_consumer_there_is_nothing_to_kill(redis) -> None:
    assert "no consumer to kill" in Killer(redis, "workers").kill()
