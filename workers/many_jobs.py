"""Retries and cancels many jobs: a dry run shows which, and the run after it does just those."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import redis

from messages import PostroomError
from workers import keys
from workers.audit import By
from workers.cancelling import cancel_job
from workers.connection import storage_errors
from workers.dead_letters.replays import replay_silently
from workers.dependents import settle_dependents
from workers.errors import InvalidOption, InvalidState, StorageRefused, StorageUnavailable
from workers.operations import promote_silently
from workers.settings import Settings
from workers.successors import retry_silently

Action = Literal["retry", "cancel"]

MOST = 1_000
"""Jobs of one run."""
PLAN_SECONDS = 15 * 60
"""Seconds that a dry run's jobs are remembered for the run after it."""

_CHUNK = 200
_DIED = frozenset({"failed", "stopped"})
_WAIT = frozenset({"queued", "scheduled", "deferred"})
_DONE: Mapping[Action, str] = {"retry": "retried", "cancel": "cancelled"}
_REMEDY: Mapping[Action, str] = {
    "retry": "Only a failed or a stopped job can be, or one that is due later.",
    "cancel": "Only one that has not begun can be; a running one can be stopped.",
}


@dataclass(frozen=True)
class Refused:
    """A job that stays as it is, and why."""

    job_id: str
    error: PostroomError


@dataclass(frozen=True)
class ManyJobs:
    """What was done, or would be.

    Args:
        job_ids: The jobs.
        refused: Those that were asked for, and that it cannot be done to.
    """

    job_ids: Sequence[str]
    refused: Sequence[Refused] = ()


def dry_run(
    action: Action, job_ids: Sequence[str], *, name: str, connection: redis.Redis
) -> ManyJobs:
    """Tell which jobs `run` would retry or cancel, and let it do so to just those.

    Args:
        action: What would be done.
        job_ids: The jobs that were asked for, up to 1,000.
        name: What they are, such as a search and who asked; the run must be given the same.
        connection: Where; one round trip for each 200 jobs, and one more.

    Raises:
        InvalidOption: If there are more.
    """
    _check(job_ids)
    found = sort_out(action, job_ids, connection=connection)
    remember(action, found, name=name, connection=connection)
    return found


def sort_out(action: Action, job_ids: Sequence[str], *, connection: redis.Redis) -> ManyJobs:
    """Tell which jobs could be retried or cancelled. Only reads.

    Args:
        action: What would be done.
        job_ids: The jobs.
        connection: Where; one round trip for each 200 jobs.
    """
    good: list[str] = []
    refused: list[Refused] = []
    with storage_errors():
        for job_id, state in _states(job_ids, connection):
            if _may(action, state):
                good.append(job_id)
            else:
                refused.append(Refused(job_id, _refusal(action, job_id, state)))
    return ManyJobs(good, refused)


def remember(action: Action, shown: ManyJobs, *, name: str, connection: redis.Redis) -> None:
    """Let the next run be of just these jobs, if it is within `PLAN_SECONDS`.

    Args:
        action: What will be done.
        shown: Up to 1,000 jobs to do it to, and those that `sort_out` refused.
        name: As for `dry_run`.
        connection: Where.
    """
    key = _plan_key(action, name)
    refused = [json.dumps([each.job_id, each.error.message]) for each in shown.refused]
    with storage_errors(), connection.pipeline(transaction=True) as pipe:
        pipe.delete(key)
        pipe.rpush(key, len(shown.job_ids), *shown.job_ids, *refused)
        pipe.expire(key, PLAN_SECONDS)
        pipe.execute()


def planned(action: Action, *, name: str, connection: redis.Redis) -> ManyJobs | None:
    """What the dry run before showed; None if there was none, or if it is too long ago.

    Args:
        action: What is done.
        name: As it was given to the dry run.
        connection: Where.
    """
    with storage_errors():
        stored: Any = connection.lrange(_plan_key(action, name), 0, -1)
    if not stored:
        return None
    count, *shown = [each.decode() for each in stored]
    jobs = int(count or len(shown))  # a plan of an older release has nothing but jobs
    told = [json.loads(each) for each in shown[jobs:]]
    return ManyJobs(shown[:jobs], [Refused(job_id, _invalid(action, why)) for job_id, why in told])


def run(  # noqa: PLR0913 - what a bulk is told
    action: Action,
    plan: ManyJobs,
    *,
    name: str,
    by: By,
    settings: Settings,
    connection: redis.Redis,
) -> ManyJobs:
    """Retry or cancel jobs, one after the other. It leaves one entry in the audit log.

    What failed or was stopped is sent again, as `retry_job` does; what is due later runs now.

    Args:
        action: What to do.
        plan: The jobs, up to 1,000, and those that it could not be done to at the look before.
        name: What they are; stands in the audit log.
        by: Who does it, and why.
        settings: Defaults and routes.
        connection: Where.

    Returns:
        The jobs to which it was done, and those to which it could not be, those of the plan first.

    Raises:
        InvalidOption: If there are more.
        StorageUnavailable: If Redis does not answer; start it again to go on.
    """
    job_ids = plan.job_ids
    _check(job_ids)
    good: list[str] = []
    refused: list[Refused] = []
    step = _retry(by, settings, connection) if action == "retry" else _cancel(connection)
    with storage_errors():
        # Before the first job: a bulk that is killed half-way has been begun by somebody, too.
        by.record(
            f"job.{action}_all",
            target=name[:500] or "jobs",
            details={"jobs": len(job_ids)},
            connection=connection,
        )
        for job_id in job_ids:
            try:
                step(job_id)
                good.append(job_id)
            except (StorageUnavailable, StorageRefused):
                raise
            except PostroomError as error:
                refused.append(Refused(job_id, error))
        connection.delete(_plan_key(action, name))
        by.record_end(
            f"job.{action}_all",
            target=name[:500] or "jobs",
            before=len(job_ids),
            after=len(refused),
            connection=connection,
        )
    return ManyJobs(good, [*plan.refused, *refused])


def _retry(by: By, settings: Settings, connection: redis.Redis) -> Callable[[str], object]:
    def step(job_id: str) -> None:
        if promote_silently(job_id, connection=connection):
            return
        if not replay_silently(job_id, actor=by.actor, connection=connection, settings=settings):
            retry_silently(job_id, actor=by.actor, settings=settings, connection=connection)

    return step


def _cancel(connection: redis.Redis) -> Callable[[str], object]:
    def step(job_id: str) -> None:
        state = cancel_job(job_id, connection=connection)
        if state != "canceled":
            raise _refusal("cancel", job_id, state)
        settle_dependents(job_id, connection=connection)

    return step


def _states(job_ids: Sequence[str], connection: redis.Redis) -> Sequence[tuple[str, str]]:
    """Of each job RQ's word for its state; `failed` for a dead letter without a record."""
    found: list[tuple[str, str]] = []
    for begin in range(0, len(job_ids), _CHUNK):
        chunk = job_ids[begin : begin + _CHUNK]
        with connection.pipeline(transaction=False) as pipe:
            for job_id in chunk:
                pipe.hmget(keys.job(job_id), ["status", "replayed_as"])
                pipe.exists(keys.dead_letter(job_id))
            answers = pipe.execute(raise_on_error=False)
        for job_id, record, letter in zip(chunk, answers[::2], answers[1::2], strict=True):
            status, successor = record if isinstance(record, list) else (None, None)
            state = (status or b"").decode(errors="replace")
            is_over_with = successor is not None and not letter
            found.append((job_id, "retried already" if is_over_with else _state(state, letter)))
    return found


def _state(status: str, letter: Any) -> str:
    return "failed" if not status and letter else status


def _may(action: Action, state: str) -> bool:
    if action == "retry":
        return state in _DIED or state == "scheduled"
    return state in _WAIT


def _refusal(action: Action, job_id: str, state: str) -> InvalidState:
    return _invalid(action, f"Job {job_id} is {state or 'gone'}, so it cannot be {_DONE[action]}.")


def _invalid(action: Action, message: str) -> InvalidState:
    return InvalidState(message, field="job_id", remedy=_REMEDY[action])


def _check(job_ids: Sequence[str]) -> None:
    if len(job_ids) > MOST:
        raise InvalidOption(
            f"{len(job_ids):,} jobs are more than {MOST:,}.",
            field="job_ids",
            remedy=f"Name up to {MOST:,} at a time.",
        )


def _plan_key(action: Action, name: str) -> str:
    text = json.dumps([action, name])
    return keys.job_plan(hashlib.sha256(text.encode()).hexdigest()[:32])
