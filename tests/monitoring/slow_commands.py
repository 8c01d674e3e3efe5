"""Which commands of those a server noted as slow are slow themselves, and not the machine."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from redis import Redis
from redis.client import NEVER_DECODE

_TRIES = 3
_OFTEN = 3
_CUT = (b" more arguments)", b" more bytes)")


def note_slow_commands(client: Redis, *, least_ms: int) -> None:
    """Let the server note them from now on.

    Args:
        client: Of the server.
        least_ms: What is slow: milliseconds of one command.
    """
    client.config_set("slowlog-log-slower-than", least_ms * 1_000)
    client.config_set("slowlog-max-len", 1_000)
    client.slowlog_reset()


def slow_commands(client: Redis) -> list[str]:
    """The names of those that came again and again, and do so when they are asked again.

    A busy machine holds up any command, and that which is asked most often more than once; one that
    is slow itself is slow each time. One that the server remembers only in part is not asked again,
    and counts as slow.

    Args:
        client: Of the server, of which commands have only read.
    """
    noted: Any = client.execute_command("SLOWLOG", "GET", 1_000, **{NEVER_DECODE: True})
    commands = [tuple(words) for _, _, _, words, *_ in noted]
    count = Counter(words[0] for words in commands)
    often = sorted({each for each in commands if count[each[0]] >= _OFTEN})
    return sorted({words[0].decode() for words in often if _is_slow(words, client)})


def _is_slow(words: Sequence[bytes], client: Redis) -> bool:
    if any(word.endswith(_CUT) for word in words):
        return True
    return all(_again(words, client))


def _again(words: Sequence[bytes], client: Redis) -> Iterator[bool]:
    """Of each try whether the server noted it."""
    for _ in range(_TRIES):
        client.slowlog_reset()
        client.execute_command(*words, **{NEVER_DECODE: True})
        yield bool(client.slowlog_len())
