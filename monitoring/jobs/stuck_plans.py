"""What the policy for stuck jobs will do with each of them, or has done. Only reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.answers import shown_time
from monitoring.jobs.running import Running
from workers.stuck_policies import StuckPolicies, StuckPolicy
from workers.stuck_runs import Mark, StuckRun, marks, stock_workers

JsonDict = dict[str, Any]

_GONE = "Its worker is gone: another one takes the job over, within seconds if there is any."
_STOCK = "A stock worker runs it, which cannot let it run again; `stop` it could."
_UNSEEN = "It is not known to run yet."


@dataclass(frozen=True)
class Plan:
    """What becomes of one run by its policy.

    Args:
        action: What the policy says.
        at: When it is taken, or was; None if it is not.
        done: When it was taken for this run; None if it was not.
        why: Why it is not taken though there is one; None if it is.
    """

    action: str
    at: datetime | None = None
    done: datetime | None = None
    why: str | None = None

    def as_json(self) -> JsonDict:
        """The plan as the API shows it."""
        return {
            "action": self.action,
            "at": None if self.at is None else shown_time(self.at),
            "done": None if self.done is None else shown_time(self.done),
            "why": self.why,
        }


def due(
    running: Sequence[Running], policies: StuckPolicies, *, now: datetime
) -> Iterator[tuple[StuckRun, StuckPolicy]]:
    """The runs for which it is time, each with the policy of its type. Pure.

    Args:
        running: What workers have in hand. A run whose worker is gone is nobody's to stop: the
            other workers take it over.
        policies: The policies.
        now: The server's time.
    """
    for each in running:
        policy = policies.of(each.kind)
        ran = timedelta() if each.began is None else now - each.began
        if policy.acts and each.began is not None and not each.silent and ran >= policy.after:
            yield _run(each, ran), policy


def plans(
    running: Sequence[Running], policies: StuckPolicies, *, connection: redis.Redis
) -> Iterator[Plan]:
    """What becomes of some jobs, in two round trips at most.

    Args:
        running: The jobs.
        policies: The policies.
        connection: Where.

    Returns:
        One plan for each.
    """
    acts = [each for each in running if policies.of(each.kind).acts]
    named = [(each.job_id, each.execution) for each in acts]
    done = dict(zip(named, marks(named, connection=connection), strict=True))
    requeued = {each.worker for each in acts if policies.of(each.kind).action == "requeue"}
    stock = stock_workers(requeued - {""}, connection=connection)
    for each in running:
        policy = policies.of(each.kind)
        is_refused = policy.action == "requeue" and each.worker in stock
        yield _plan(each, policy, done.get((each.job_id, each.execution)), refused=is_refused)


def _plan(job: Running, policy: StuckPolicy, mark: Mark | None, *, refused: bool) -> Plan:
    if mark is not None:
        at = datetime.fromisoformat(mark.at)
        return Plan(mark.action, at=at, done=at)
    if not policy.acts:
        return Plan(policy.action)
    if job.silent or job.began is None:
        return Plan(policy.action, why=_GONE if job.silent else _UNSEEN)
    if refused:
        return Plan(policy.action, why=_STOCK)
    return Plan(policy.action, at=job.began + policy.after)


def _run(job: Running, ran: timedelta) -> StuckRun:
    return StuckRun(
        job_id=job.job_id,
        execution=job.execution,
        list_name=job.list_name,
        worker=job.worker,
        kind=job.kind,
        seconds=ran.total_seconds(),
    )
