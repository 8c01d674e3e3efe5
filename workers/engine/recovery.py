"""What becomes of the jobs of a process that died: committed, run again, or buried."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import redis

from workers import keys
from workers.engine.admission import quarantine
from workers.engine.crashes import crashed
from workers.engine.ends import success_from
from workers.engine.leases import Leases
from workers.engine.page import Running
from workers.engine.step import Lease
from workers.engine_settings import DAY
from workers.logger import get_logger

log = get_logger("postroom.worker")

_KEPT = 30 * DAY  # seconds that RQ's record of such a failure is kept
_MOST_AT_ONCE = 100  # dead holders that one turn looks after: the worker has other clocks


def reap(leases: Leases) -> int:
    """Take over from the workers and children whose time is up by Redis' clock.

    Args:
        leases: Those of the worker that does it.

    Returns:
        How many jobs were taken over.
    """
    count = 0
    for _ in range(_MOST_AT_ONCE):
        found = leases.take_over()
        if found is None:
            break
        dead, taken = found
        if taken:
            log.warning("jobs_taken_over", holder=dead, jobs=len(taken))
        settle_lost(leases, taken, error="its worker vanished", ran_by="")
        count += len(taken)
    return count


def settle_lost(
    leases: Leases, taken: Sequence[Lease], *, error: str, ran_by: str | None = None
) -> None:
    """Let jobs run again whose process died without a word.

    Args:
        leases: Who has them now.
        taken: The jobs. One alone is the culprit; of several nobody knows, so that each will run
            without neighbours.
        error: What is known.
        ran_by: As for `crashed`.
    """
    here = _known(leases, taken)
    if len(here) == 1:
        crashed(leases, here[0], error, ran_by=ran_by)
    else:
        leases.hand_back(here, died=True)


def uncommitted(leases: Leases, runs: Sequence[bytes]) -> Sequence[bytes]:
    """The runs of a child that it did not come to commit.

    A step of its may have been done whose answer it did not live to hear.

    Args:
        leases: Those of the child.
        runs: What its page says.
    """
    tokens = [success_from(run)[0] for run in runs]
    with leases.connection.pipeline(transaction=False) as pipe:
        for lease in tokens:
            pipe.zscore(keys.leases(leases.holder), lease.token)
            pipe.hget(keys.job(lease.job_id), "status")
        answers = pipe.execute(raise_on_error=False)
    scores, states = answers[::2], answers[1::2]
    return [
        run
        for run, score, state in zip(runs, scores, states, strict=True)
        if score is not None or state != b"finished"
    ]


def fresh(lease: Lease, connection: redis.Redis) -> Lease:
    """A lease with the job's hash as it is now.

    Args:
        lease: The lease.
        connection: Where.
    """
    fields: Any = connection.hgetall(keys.job(lease.job_id))
    return replace(lease, fields=fields)


def is_that(lease: Lease, running: Running) -> bool:
    """Whether a lease is that of a job which a page shows."""
    return (lease.job_id, lease.execution) == (running.job_id, running.execution)


def _known(leases: Leases, taken: Sequence[Lease]) -> Sequence[Lease]:
    for lease in taken:
        if not lease.list_name:
            _end_without_record(leases, lease)
    return [lease for lease in taken if lease.list_name]


def _end_without_record(leases: Leases, lease: Lease) -> None:
    # The name of its list stood in the record; now only the shadow knows it.
    found = replace(lease, list_name=_list_of(leases, lease))
    if leases.connection.exists(keys.job(lease.job_id)):
        why = "Its record was overwritten while a worker had it."
        quarantine(leases, found, why, _KEPT)
    else:  # somebody removed it
        leases.drop(found)


def _list_of(leases: Leases, lease: Lease) -> str:
    known: Any = leases.connection.smembers(keys.queues())
    names = [key.decode(errors="replace").removeprefix(keys.queue("")) for key in known]
    with leases.connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.zscore(keys.started(name), lease.token)
        scores = pipe.execute()
    return next((name for name, score in zip(names, scores, strict=True) if score), "")
