"""How a job ended, read from what RQ stores. Sync and async clients ask and judge alike."""

import json
import zlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rq.job import JobStatus
from rq.results import Result

from workers import keys
from workers.errors import JobFailed, ResultUnreadable


@dataclass(frozen=True)
class Ended:
    """A job that is over: what it returned, or why it did not."""

    result: Any = None
    error: JobFailed | None = None

    def value(self) -> Any:
        """What the handler returned.

        Raises:
            JobFailed: If it did not succeed.
        """
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True)
class Found:
    """What is known of a job: whether anything is, and how it ended if it did."""

    exists: bool
    ended: Ended | None = None


def look_commands(job_id: str) -> Sequence[tuple[str | int, ...]]:
    """The commands whose answers `verdict` reads.

    Args:
        job_id: The job.
    """
    return (
        ("HGET", keys.job(job_id), "status"),
        ("XREVRANGE", keys.result(job_id), "+", "-", "COUNT", 1),
        ("GET", keys.dead_letter(job_id)),
    )


def verdict(job_id: str, answers: Sequence[Any]) -> Found:
    """What the answers say.

    Args:
        job_id: The job.
        answers: Of `look_commands`, in that order.

    Returns:
        Whether there is such a job, and how it ended.

    Raises:
        ResultUnreadable: If what it returned is not JSON.
    """
    status, results, letter = answers
    if status is None and letter is None:
        return Found(exists=False)
    newest = results[0][1] if results else {}
    if status == _FINISHED:
        return Found(exists=True, ended=Ended(result=returned(job_id, newest)))
    if status is None or status in _FAILED:
        reason = _from_letter(letter) or _last_line(newest) or (status or b"failed").decode()
        error = JobFailed(f"Job {job_id} did not succeed: {reason.rstrip('.')}.")
        return Found(exists=True, ended=Ended(error=error))
    return Found(exists=True)


def returned(job_id: str, newest: Mapping[bytes, bytes]) -> Any:
    """What a handler returned.

    Args:
        job_id: Its job.
        newest: The newest entry of `rq:results:ID`; empty if there is none.

    Raises:
        ResultUnreadable: If it is not JSON.
    """
    try:
        if int(newest.get(b"type", b"0")) != Result.Type.SUCCESSFUL.value:
            return None
        stored = newest.get(b"return_value")
        return None if stored is None else json.loads(b64decode(stored))
    except (ValueError, RecursionError) as error:
        raise ResultUnreadable(f"What job {job_id} returned is not JSON.") from error


_FINISHED = JobStatus.FINISHED.value.encode()
_FAILED = {
    status.value.encode() for status in (JobStatus.FAILED, JobStatus.CANCELED, JobStatus.STOPPED)
}


def _from_letter(letter: bytes | None) -> str:
    return "" if letter is None else str(json.loads(letter)["error"])


def _last_line(newest: Mapping[bytes, bytes]) -> str:
    stored = newest.get(b"exc_string")
    if stored is None:
        return ""
    try:
        lines = zlib.decompress(b64decode(stored)).decode(errors="replace").strip().splitlines()
    except (ValueError, zlib.error):
        return ""
    return lines[-1] if lines else ""
