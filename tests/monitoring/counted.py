"""Runs that the engine's own scripts count, now or as if at another time."""

import json
import time
from datetime import datetime

from redis import Redis

from workers import keys
from workers.scripts import script

_TWO_DAYS = 2 * 86_400  # what was counted just now is in buckets that began since then


def note(redis: Redis, *runs: tuple[object, ...], fingerprint: str = "") -> None:
    """Let the engine's own script count runs: `(queue|type, tenant, outcome, us, us or '')`."""
    calls = "".join(
        f"note({', '.join(f'ARGV[{at}]' for at in range(first, first + 3))},"
        f" tonumber(ARGV[{first + 3}]), tonumber(ARGV[{first + 4}]) or '')\n"
        f"note_failure(ARGV[1], ARGV[2], ARGV[{first}], 'job')\n"
        for first in range(3, 3 + 5 * len(runs), 5)
    )
    text = script("workers", "ending") + calls + "write_notes(ARGV[1])"
    given = [part for run in runs for part in run]
    failure = json.dumps([fingerprint, "app.Refused", "no", "app.work", "unknown"])
    redis.eval(text, 0, keys.our_prefix(), fingerprint and failure, *given)


def move(redis: Redis, to: datetime) -> None:
    """Let all that was counted just now have ended at another time."""
    for resolution, length in (("m", 60), ("h", 3600), ("d", 86_400)):
        begin = int(to.timestamp()) // length * length
        sums, times = keys.stats(resolution, "*"), keys.times(resolution, "*", "*")
        for key in (*redis.keys(sums), *redis.keys(times)):
            was = next(part for part in key.decode().split(":")[2:] if part.isdecimal())
            if abs(time.time() - int(was)) < _TWO_DAYS:
                there = key.decode().replace(f":{was}", f":{begin}", 1)
                for field, number in redis.hgetall(key).items():
                    redis.hincrby(there, field, int(number))
                redis.delete(key)
