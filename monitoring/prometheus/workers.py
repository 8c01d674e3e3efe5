"""Workers of queues as they told Redis, in two rounds. Only reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rq.suspension import WORKERS_SUSPENDED
from rq.worker_registration import REDIS_WORKER_KEYS

from monitoring.answers import as_text
from monitoring.streams.reading import Plan, Question, known
from workers.routing import queue_of

STATES = ("idle", "busy", "suspended", "started")
"""RQ's words for what a worker does; everything else counts as `other`."""
_FIELDS = ("state", "queues", "death")


@dataclass(frozen=True)
class Staff:
    """Those that live.

    Args:
        states: How many there are, by state; each of `STATES` has a number.
        listening: How many take jobs from a queue, by its name.
        is_suspended: Whether `rq suspend` keeps all of them from starting jobs.
    """

    states: Mapping[str, int]
    listening: Mapping[str, int]
    is_suspended: bool


def look_at_workers() -> Plan[Staff]:
    """Look at all workers."""
    found, suspended = yield [
        lambda pipe: pipe.smembers(REDIS_WORKER_KEYS),
        lambda pipe: pipe.exists(WORKERS_SUSPENDED),
    ]
    asked = [_record(as_text(key)) for key in known(found, ())]
    told = (yield asked) if asked else []
    records = [known(each, (None,) * len(_FIELDS)) for each in told]
    # The record of one that was killed expires, and its key in the set goes later.
    living = [record for record in records if record[0] and not record[2]]
    states, listening = Counter(dict.fromkeys((*STATES, "other"), 0)), Counter[str]()
    for state, queues, _ in living:
        name = as_text(state)
        states[name if name in STATES else "other"] += 1
        listening.update(_queues(queues))
    return Staff(states, listening, bool(known(suspended, 0)))


def _record(key: str) -> Question:
    return lambda pipe: pipe.hmget(key, _FIELDS)


def _queues(value: Any) -> Sequence[str]:
    lists = as_text(value or b"").split(",")
    return tuple(dict.fromkeys(queue_of(name) for name in lists if name))
