"""What may be changed in rq-dashboard: nothing that would be lost, and with an audit entry.

What it does itself knows neither leases nor dependents, and in a queue of a million jobs it would
block Redis. So the engine's own functions do it.
"""

from typing import Any

from flask import abort, request
from redis import Redis
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import requeue_job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from workers import clearing, operations
from workers.audit import By
from workers.errors import InvalidState, JobNotFound
from workers.settings import Settings

ENDED = frozenset({"finished", "failed", "canceled"})
"""The registries whose jobs have ended."""

_AT_ONCE = 500


class Changes:
    """The views that change something, by their names in rq-dashboard.

    Args:
        connection: Where.
        settings: ENVIRONMENT and ALLOW_CLEAR.
    """

    def __init__(self, connection: Redis, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    def delete_job_view(self, job_id: str) -> dict[str, Any]:
        """Remove a job that no worker has."""
        operations.delete(job_id, by=_by(), connection=self._connection)
        return {"status": "OK"}

    def requeue_job_view(self, job_id: str) -> dict[str, Any]:
        """Let a failed job run again."""
        try:
            self._requeue(job_id)
        except NoSuchJobError as error:
            raise JobNotFound(f"There is no job {job_id}.", field="job_id") from error
        except InvalidJobOperation as error:
            raise InvalidState(
                f"Job {job_id} has not failed.",
                field="job_id",
                remedy="Only failed jobs can be queued again.",
            ) from error
        _by().record("job.requeue", target=job_id, connection=self._connection)
        return {"status": "OK"}

    def requeue_all(self, queue_name: str) -> dict[str, Any]:
        """Let all failed jobs of a list run again."""
        if request.method != "POST":
            abort(405)
        failed = FailedJobRegistry(
            queue_name, connection=self._connection, serializer=JSONSerializer
        )
        found = failed.get_job_count(cleanup=False)
        _by().record(
            "queue.requeue",
            target=queue_name,
            details={"found": found},
            connection=self._connection,
        )
        count = self._requeue_first(found, failed)
        _by().record_end(
            "queue.requeue",
            target=queue_name,
            before=found,
            after=failed.get_job_count(cleanup=False),
            connection=self._connection,
        )
        return {"status": "OK", "count": count}

    def empty_queue(self, queue_name: str, registry_name: str) -> dict[str, Any]:
        """Remove the ended jobs of a list."""
        if registry_name not in ENDED:
            raise clearing.ClearRefused(
                f"The jobs of {queue_name} that are {registry_name} have not ended.",
                remedy="`postroom queues clear --help` tells how to remove those that wait.",
            )
        clearing.clear_list(
            queue_name,
            registry_name,  # type: ignore[arg-type] # it is one of ENDED
            by=_by(),
            settings=self._settings,
            connection=self._connection,
        )
        return {"status": "OK"}

    def compact_queue(self, queue_name: str) -> dict[str, Any]:
        """Refuse: RQ takes a list away for as long as it checks it."""
        raise InvalidState(
            f"{queue_name} is not compacted.",
            field="queue_name",
            remedy="Workers leave out the ids of jobs that are gone by themselves.",
        )

    def _requeue(self, job_id: str) -> None:
        requeue_job(job_id, connection=self._connection, serializer=JSONSerializer)

    def _requeue_first(self, count: int, failed: FailedJobRegistry) -> int:
        done = skipped = 0
        while (left := count - done - skipped) > 0:
            ids = failed.get_job_ids(skipped, skipped + min(left, _AT_ONCE) - 1, cleanup=False)
            if not ids:
                break
            for job_id in ids:
                try:
                    self._requeue(job_id)
                    done += 1
                except (NoSuchJobError, InvalidJobOperation):
                    skipped += 1
        return done


def _by() -> By:
    return By(str(request.remote_user), "in rq-dashboard")
