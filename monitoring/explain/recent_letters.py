"""Why messages died lately, by queue. Only reads."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.explain.facts import Letters
from monitoring.words import first_line
from workers import keys
from workers.dead_letters.letter import Summary, summary_of
from workers.fingerprint import normal_text
from workers.routing import queue_of

LATELY = timedelta(hours=1)
"""How old a letter may be."""
MOST_LETTERS = 200
"""Letters that are looked at, newest first."""
_SHOWN = 3  # reasons of one queue


def recent_letters(*, now: datetime, connection: redis.Redis) -> Mapping[str, Sequence[Letters]]:
    """What died in the last hour and is neither settled nor muted, in three round trips.

    Args:
        now: The server's time.
        connection: Where.

    Returns:
        By queue, or by stream, the most frequent reason first; three of them at most.
    """
    after = (now - LATELY).timestamp()
    ids: Any = connection.zrevrangebyscore(
        keys.dead_letters(), "+inf", after, start=0, num=MOST_LETTERS
    )
    stored: Any = connection.hmget(keys.dead_letter_index(), ids) if ids else []
    every = [summary_of(text) for text in stored if text is not None]
    muted = _muted({each.fingerprint for each in every if each.fingerprint}, connection)
    letters = [each for each in every if each.fingerprint not in muted]
    queues = dict.fromkeys(queue_of(each.queue) for each in letters)
    return {
        name: _grouped(each for each in letters if queue_of(each.queue) == name) for name in queues
    }


def _muted(fingerprints: Collection[str], connection: redis.Redis) -> Collection[str]:
    asked = sorted(fingerprints)
    with connection.pipeline(transaction=False) as pipe:
        for each in asked:
            pipe.hget(keys.failure(each), "state")
        states = pipe.execute()
    return {each for each, state in zip(asked, states, strict=True) if state == b"muted"}


def _grouped(letters: Iterable[Summary]) -> Sequence[Letters]:
    newest: dict[tuple[str, ...], Summary] = {}
    oldest: dict[tuple[str, ...], Summary] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    for each in letters:
        alike = each.fingerprint or normal_text(each.error)
        kind = (each.reason, each.message_type or "", alike)
        newest.setdefault(kind, each)
        oldest[kind] = each
        counts[kind] += 1
    return [
        _letters(newest[kind], oldest[kind], count) for kind, count in counts.most_common(_SHOWN)
    ]


def _letters(newest: Summary, oldest: Summary, count: int) -> Letters:
    error = first_line(newest.error, "?")
    kind = newest.message_type or "what is no message"
    since = datetime.fromisoformat(oldest.buried_at)
    return Letters(count, newest.reason, kind, error, newest.job_id, newest.fingerprint, since)
