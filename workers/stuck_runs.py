"""Does with a run that takes too long what the policy of its type says. Once for each run.

Who finds such runs is monitoring; whether it still is that run, the script asks.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import redis
from pydantic import JsonValue
from rq.command import PUBSUB_CHANNEL_TEMPLATE
from rq.worker import Worker

from workers import audit, keys
from workers.audit import AuditEntry, By
from workers.clock import utc_now
from workers.connection import storage_errors
from workers.engine_settings import DAY
from workers.scripts import script
from workers.stuck_policies import StuckPolicy

ACTOR = "stuck policy"
"""Whom the audit log names."""
REQUEUE = "postroom-requeue-execution"
"""The command that ends a run for its job to run again. Stock workers do not know it."""

Done = Literal["done", "done_before", "changed", "stock_worker", "not_heard"]
"""`done_before`: for this run that was done already. `changed`: it is over, or another worker has
the job. `stock_worker`: it cannot let the job run again. `not_heard`: its worker does not listen,
so nothing was done, and the next look tries again."""

_COMMANDS = {"stop": "stop-execution", "requeue": REQUEUE}
MARK_TTL = 30 * DAY
"""Seconds for which it is known what was done."""
ANSWERS: tuple[Done, ...] = get_args(Done)


@dataclass(frozen=True)
class StuckRun:
    """A run that takes too long.

    Args:
        job_id: Its job.
        execution: Its name; no other run of the job has it.
        list_name: The list that the job was in.
        worker: The name of its worker; empty if nobody knows it.
        kind: The message type, or what stands in its place.
        seconds: How long it has been running.
    """

    job_id: str
    execution: str
    list_name: str
    worker: str
    kind: str
    seconds: float

    @property
    def type_name(self) -> str:
        """The message type, for people; of a job that is no message nothing is told."""
        # In the place of a type stands a call with its arguments, which nobody is to be told.
        return self.kind if re.fullmatch(r"\S{1,100}", self.kind) else "no message"


@dataclass(frozen=True)
class Mark:
    """What was done with a run.

    Args:
        action: What.
        at: When; ISO 8601, UTC.
    """

    action: str
    at: str


def resolve(
    run: StuckRun, policy: StuckPolicy, *, now: datetime | None = None, connection: redis.Redis
) -> Done:
    """Do what a policy says with a run that is old enough for it. The audit log has it then.

    `stop` and `requeue` tell its worker, which has `STOP_GRACE` to end it; `escalate` only writes
    down that people are told, which the alerts do.

    Args:
        run: The run.
        policy: One that acts.
        now: The time; None asks the clock.
        connection: Where.

    Returns:
        What came of it.

    Raises:
        StorageUnavailable: If Redis does not answer.
        StorageRefused: If it takes nothing; then nothing was done.
    """
    now = now or utc_now()
    made = _entry(run, policy, now)
    text, kept = audit.arguments(made)
    mark = json.dumps({"action": policy.action, "at": now.isoformat()})
    named = [
        keys.stuck_run(run.job_id, run.execution),
        keys.started(run.list_name),
        keys.job(run.job_id),
        _worker(run.worker),
        keys.audit(),
    ]
    own = "1" if policy.action == "requeue" else ""
    given: list[str | int] = [
        f"{run.job_id}:{run.execution}",
        run.worker,
        PUBSUB_CHANNEL_TEMPLATE % run.worker,
        _command(run, policy),
        own,
        mark,
        MARK_TTL,
        text,
        kept,
    ]
    with storage_errors():
        told: Any = connection.register_script(script("workers", "resolve_run"))(named, given)
    done = next(each for each in ANSWERS if each.encode() == told)
    if done == "done":
        audit.tell(made)
    return done


def marks(runs: Sequence[tuple[str, str]], *, connection: redis.Redis) -> Sequence[Mark | None]:
    """What was done with some runs, in one round trip; none if there are no runs.

    Args:
        runs: Job and execution of each.
        connection: Where.

    Returns:
        For each what was done; None if nothing was.
    """
    return marks_at([keys.stuck_run(*each) for each in runs], connection=connection)


def marks_at(names: Sequence[str], *, connection: redis.Redis) -> Sequence[Mark | None]:
    """As `marks`, by the keys of the marks.

    Args:
        names: The keys.
        connection: Where.
    """
    if not names:
        return []
    found: Any = connection.mget(names)
    return [None if text is None else Mark(**json.loads(text)) for text in found]


def stock_workers(names: Collection[str], *, connection: redis.Redis) -> Collection[str]:
    """Which of some workers are not ours, in one round trip; none if there are no names.

    Args:
        names: The workers.
        connection: Where.
    """
    with connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hexists(_worker(name), "worker_class")
        answers = pipe.execute()
    return {name for name, is_ours in zip(names, answers, strict=True) if not is_ours}


def _worker(name: str) -> str:
    return f"{Worker.redis_worker_namespace_prefix}{name}"


def _command(run: StuckRun, policy: StuckPolicy) -> str:
    name = _COMMANDS.get(policy.action)
    told = {"command": name, "job_id": run.job_id, "execution_id": run.execution}
    return json.dumps(told) if name else ""


def _entry(run: StuckRun, policy: StuckPolicy, now: datetime) -> AuditEntry:
    ran, after = timedelta(seconds=round(run.seconds)), policy.after
    why = (
        f"It has been running for {ran}; "
        f"STUCK_POLICY of {run.type_name} is {policy.action} after {after}."
    )
    details: dict[str, JsonValue] = {
        "policy": policy.action,
        "seconds": round(run.seconds),
        "after_seconds": int(after.total_seconds()),
        "execution": run.execution,
        "worker": run.worker,
    }
    return By(ACTOR, why).entry(f"job.{policy.action}", target=run.job_id, details=details, now=now)
