"""One job for a page: what it holds, and what became of it, step by step. Only reads."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import redis

from messages.masking import masked
from monitoring.jobs import get_job_status
from monitoring.jobs.payloads import payload_of
from workers.connection import default_connection, storage_errors

JsonDict = dict[str, Any]

_STEPS = {
    "createdAt": "created",
    "enqueuedAt": "waiting",
    "startedAt": "started",
    "endedAt": "ended",
}
_NOT_YET = {"scheduled": "delayed", "deferred": "deferred"}
"""RQ's words for jobs that stand in no list yet, and ours for what they do instead of waiting."""


def get_job_detail(job_id: str, *, connection: redis.Redis | None = None) -> JsonDict:
    """What is known about a job, with its message.

    Args:
        job_id: The job.
        connection: Where; None means the server that the settings name.

    Returns:
        As `get_job_status`, and `message`, the envelope with its secrets masked (None if it is not
        kept any more), and `timeline`: what happened, oldest first, each with `state`, `at`
        (ISO 8601) and `durationMs` until the next (None for the last).

    Raises:
        JobNotFound: If nothing is known about it.
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    status = get_job_status(job_id, connection=connection)
    with storage_errors():
        envelope = payload_of(job_id, connection=connection)
    return {
        **status,
        "message": None if envelope is None else masked(envelope),
        "timeline": timeline(status),
    }


def timeline(status: JsonDict) -> Sequence[JsonDict]:
    """What happened to a job, oldest first.

    Args:
        status: As `get_job_status` returns it.
    """
    steps = sorted(_steps(status), key=lambda step: step[1])
    ends = [*(at for _, at in steps[1:]), None]
    return [
        {
            "state": state,
            "at": at.isoformat(),
            "durationMs": None if end is None else round((end - at).total_seconds() * 1000),
        }
        for (state, at), end in zip(steps, ends, strict=True)
    ]


def _steps(status: JsonDict) -> Iterator[tuple[str, datetime]]:
    for name, state in _STEPS.items():
        if status.get(name):
            yield _state(state, status["status"]), datetime.fromisoformat(status[name])
    for attempt in status["attempts"]:
        if attempt.get("startedAt") and attempt["outcome"] not in {"running", "completed"}:
            label = f"attempt {attempt['number']} {attempt['outcome']}"
            yield label, datetime.fromisoformat(attempt["startedAt"])


def _state(state: str, now: str) -> str:
    if state == "waiting":
        return _NOT_YET.get(now, state)
    return now if state == "ended" else state
