"""The state of a job, by what its record says."""

from collections.abc import Mapping

from monitoring.answers import as_text

_STATES: Mapping[str, str] = {
    "queued": "waiting",
    "started": "active",
    "scheduled": "delayed",
    "deferred": "deferred",
    "finished": "completed",
    "failed": "failed",
    "stopped": "failed",
    "canceled": "canceled",
}
"""What RQ's words are called where people choose among states."""


def state_of(job_id: str, record: Mapping[str, bytes | None], active: frozenset[str]) -> str:
    """The state of a job, by its record.

    Args:
        job_id: The job.
        record: Of its hash `status`, `held` and `replayed_as`.
        active: The jobs that workers have.

    Returns:
        As `get_jobs` names it; `replayed` if its message was sent again as another job.
    """
    if record["replayed_as"]:
        return "replayed"
    status = as_text(record["status"] or b"")
    if status in {"queued", "started"}:
        if job_id in active:
            return "active"
        if record["held"]:
            return "held"
    return _STATES.get(status, status)
