"""Calls of the enqueue script: which jobs go into one, and what its answers say."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from workers.clock import written_now
from workers.plan import JobPlan
from workers.record import JobRecord
from workers.scripts import script
from workers.wire import Stored, packed

JOBS_A_CALL = 100
"""Jobs that one call of the script stores, so that it takes a few milliseconds at most."""

Reply = Sequence[bytes]


class Call(NamedTuple):
    """One call of the enqueue script.

    Args:
        plan: What its jobs share.
        places: Where its jobs stand in their chunk, from 0.
        records: The jobs, at least one.
    """

    plan: JobPlan
    places: Sequence[int]
    records: Sequence[JobRecord]

    def command(self) -> Sequence[Stored]:
        """As redis-py takes it."""
        keys = self.plan.keys
        jobs: Iterable[Stored] = chain.from_iterable(job.parts for job in self.records)
        constant = (*keys, written_now(), *self.plan.arguments)
        return ("EVALSHA", script_digest(), len(keys), *constant, *jobs)


def packed_call(plan: JobPlan, records: Sequence[JobRecord]) -> bytes:
    """A call as Redis reads it.

    Args:
        plan: What its jobs share.
        records: The jobs.
    """
    parts = 4 + len(plan.keys) + len(plan.arguments) + len(records[0].parts) * len(records)
    opening = b"*%d\r\n%b%b$27\r\n%b\r\n%b" % (
        parts,
        _evalsha(),
        plan.packed_keys,
        written_now().encode(),
        plan.packed_arguments,
    )
    return opening + b"".join(map(_packed_job, records))


def calls_of(records: Sequence[JobRecord]) -> Sequence[Call]:
    """The script calls that store a chunk.

    Args:
        records: The chunk; the jobs of each list stay in this order.

    Returns:
        At least one call for each plan, with at most 100 jobs.
    """
    places: dict[JobPlan, list[int]] = {}
    for place, record in enumerate(records):
        places.setdefault(record.plan, []).append(place)
    return [
        _call(plan, those[first : first + JOBS_A_CALL], records)
        for plan, those in places.items()
        for first in range(0, len(those), JOBS_A_CALL)
    ]


def ids_after(
    records: Sequence[JobRecord], calls: Sequence[Call], replies: Sequence[Reply]
) -> list[str]:
    """The ids of the jobs that now stand for a chunk's messages.

    Args:
        records: The chunk.
        calls: Those that stored it.
        replies: The script's answer to each call.

    Returns:
        One id a message, in order: its own, or that of the job with its unique key.
    """
    ids = [record.id for record in records]
    for call, reply in zip(calls, replies, strict=True):
        for number, holder in zip(reply[2::2], reply[3::2], strict=True):
            ids[call.places[int(number) - 1]] = holder.decode()
    return ids


def script_text() -> str:
    """The enqueue script."""
    return script("workers", "enqueue")


@lru_cache(maxsize=1)
def script_digest() -> str:
    """What Redis knows the enqueue script by once it is loaded."""
    return hashlib.sha1(script_text().encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1)
def _evalsha() -> bytes:
    return packed(("EVALSHA", script_digest()))


def _packed_job(record: JobRecord) -> bytes:
    _, job_id, data, marks = record
    key = job_id.encode()
    job = b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(key), key, len(data), data)
    if marks is None:
        return job
    lines = marks.encode()
    return job + b"$%d\r\n%b\r\n" % (len(lines), lines)


def _call(plan: JobPlan, places: Sequence[int], records: Sequence[JobRecord]) -> Call:
    return Call(plan, places, [records[place] for place in places])
