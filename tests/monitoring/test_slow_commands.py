"""What tests say of slow commands."""

from redis import Redis

from tests.monitoring.slow_commands import note_slow_commands, slow_commands

_BUSY = "local n = 0 for i = 1, ARGV[1] do n = n + i end return n"


def test_a_command_that_is_slow_each_time_is_named(own_server: Redis) -> None:
    note_slow_commands(own_server, least_ms=5)
    for _ in range(3):
        own_server.eval(_BUSY, 0, 5_000_000)

    assert slow_commands(own_server) == ["EVAL"]


def test_commands_that_the_machine_held_up_are_not(own_server: Redis) -> None:
    note_slow_commands(own_server, least_ms=0)  # as if it held up each of them
    for _ in range(3):
        own_server.hmget("a hash", "one field", "another")
    own_server.config_set("slowlog-log-slower-than", 5_000)

    assert slow_commands(own_server) == []


def test_what_is_remembered_in_part_only_counts_as_slow(own_server: Redis) -> None:
    note_slow_commands(own_server, least_ms=0)
    for _ in range(3):
        own_server.hmget("a hash", [f"field {number}" for number in range(50)])
    own_server.config_set("slowlog-log-slower-than", 5_000)

    assert slow_commands(own_server) == ["HMGET"]
