"""Histories whose length is fixed: what people did, what they were told, the newest outcomes."""

from collections.abc import Sequence

from monitoring.history.kinds import Found, Kind
from monitoring.history.rounds import Reading, size_of, spread
from monitoring.packing import command
from workers import audit, keys, watch_keys

_MOST_QUEUES = 50
_NOTICES = 1_000


def capped(queues: Sequence[str]) -> Reading[Found]:
    """Measure them in one round trip.

    Args:
        queues: The names of queues and of families of streams.
    """
    asked = [queues[place] for place in spread(len(queues), _MOST_QUEUES)]
    lists = [keys.recent(), *(keys.recent(queue) for queue in asked)]
    streams = (keys.audit(), watch_keys.alert_history(), keys.done())
    numbers = yield [
        *(command("XLEN", key) for key in streams),
        *(size_of(key) for key in streams),
        *(command("LLEN", key) for key in lists),
        *(size_of(key) for key in lists),
    ]
    found = [int(each or 0) for each in numbers]
    (actions, notices, done), sizes = found[:3], found[3:6]
    lengths, bytes_of = found[6 : 6 + len(lists)], found[6 + len(lists) :]
    share = len(queues) / max(1, len(asked))
    outcomes = done + lengths[0] + share * sum(lengths[1:])
    taken = sizes[2] + bytes_of[0] + share * sum(bytes_of[1:])
    is_sampled = ("entries", "bytes") if len(queues) > len(asked) else ("bytes",)
    return Found(
        (
            Kind("auditLog", actions, sizes[0], 1, limit=f"{audit.KEPT:,} actions"),
            Kind("alertHistory", notices, sizes[1], 1, limit=f"{_NOTICES:,} notices"),
            Kind(
                "recentOutcomes",
                round(outcomes),
                round(taken),
                1 + len(lists),
                is_sampled,
                limit="1,500 entries of each queue",
            ),
        )
    )
