"""Which of the jobs that a worker has taken may run. Whatever stands in Redis, its loop goes on.

A job that may not run is buried and failed, or, if RQ could not even read it, quarantined.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from rq.exceptions import DeserializationError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from workers import dead_letters, keys, pauses
from workers.burial import Death, bury_job
from workers.clock import utc_now
from workers.dependents import settle_dependents
from workers.engine.claims import Claim, Claimer
from workers.foreign import is_ours, refusal
from workers.jobs import envelope_of
from workers.outcomes import announce
from workers.record import JOB_FUNCTION
from workers.settings import Settings


@dataclass(frozen=True)
class Objection:
    """Why a job must not run: the dead letter's reason, and a sentence."""

    reason: str
    why: str


@dataclass(frozen=True)
class Admission:
    """Decides for one worker.

    Args:
        claimer: Whose jobs these are.
        settings: What is allowed.
        worker_name: For RQ's record of a failure.
    """

    claimer: Claimer
    settings: Settings
    worker_name: str

    @property
    def connection(self) -> redis.Redis:
        """The worker's client."""
        return self.claimer.connection

    def admit(self, claim: Claim) -> Job | None:
        """Let a taken job in, hold it back, or bury it.

        Args:
            claim: What the worker took.

        Returns:
            The job; None if it must not run, or not now, and is accounted for.
        """
        if not claim.fields:
            gone = Objection("expired", "Its record was gone when a worker took it.")
            self._account_for(claim, gone, None, {})
            return None
        try:
            job = Job(claim.job_id, connection=self.connection, serializer=JSONSerializer)
            job.restore(dict(claim.fields))
            objection = self._objection(job, claim)
        except Exception as error:  # noqa: BLE001 - a corrupt field can raise anything in RQ's parser
            self._quarantine(claim, error)
            return None
        if objection is None:
            return None if self._is_held(claim, job) else job
        self._refuse(claim, job, objection)
        return None

    def _is_held(self, claim: Claim, job: Job) -> bool:
        if not claim.paused or not is_ours(job):
            return False
        taken = pauses.Taken(claim.job_id, claim.queue, claim.order, claim.fields)
        paused = claim.paused.intersection(pauses.marks_of(envelope_of(job)))
        return any(pauses.hold(taken, mark, connection=self.connection) for mark in sorted(paused))

    def _objection(self, job: Job, claim: Claim) -> Objection | None:
        if not isinstance(job.meta, dict):
            message = "its meta is not an object"
            raise TypeError(message)
        if _is_expired(job, claim):
            return Objection("expired", "It waited in its queue for longer than its queue TTL.")
        try:
            forbidden = refusal(job, self.settings.allow_foreign_jobs)
            if forbidden:
                return Objection("foreign_function", forbidden)
            if is_ours(job) and (len(job.args) != 1 or job.kwargs):
                return Objection("invalid_payload", "A message is one argument and nothing else.")
        except DeserializationError:
            return Objection("not_json", "Its data is not JSON, and nothing else is ever read.")
        return None

    def _refuse(self, claim: Claim, job: Job, objection: Objection) -> None:
        with self.connection.pipeline() as pipe:
            self._bury(claim, objection, envelope_of(job), job.meta)
            job.set_status(JobStatus.FAILED, pipeline=pipe)
            # As RQ's own worker does for a job that raised.
            job._handle_failure(objection.why, pipe, worker_name=self.worker_name)  # noqa: SLF001
            pipe.execute()
        self._over(claim)

    def _quarantine(self, claim: Claim, error: Exception) -> None:
        corrupt = Objection(
            "corrupt", f"Its record cannot be read: {type(error).__name__}: {error}"
        )
        # A record that RQ cannot parse would stop every stock reader that meets it.
        self._account_for(claim, corrupt, _salvaged(claim.fields), {})

    def _account_for(
        self, claim: Claim, objection: Objection, envelope: Any, meta: dict[str, Any]
    ) -> None:
        self._bury(claim, objection, envelope, meta)
        self.connection.unlink(keys.job(claim.job_id))
        self._over(claim)

    def _bury(
        self, claim: Claim, objection: Objection, envelope: Any, meta: dict[str, Any]
    ) -> None:
        death = Death(
            job_id=claim.job_id,
            queue=claim.queue,
            reason=objection.reason,
            error=objection.why,
            envelope=envelope,
        )
        bury_job(death, meta=meta, now=utc_now(), connection=self.connection)

    def _over(self, claim: Claim) -> None:
        announce(claim.job_id, "failed", connection=self.connection)
        settle_dependents(claim.job_id, connection=self.connection)
        self.claimer.release(claim)


def _is_expired(job: Job, claim: Claim) -> bool:
    now = utc_now()
    if b"expires_at" in claim.fields:
        return now.timestamp() > float(claim.fields[b"expires_at"])
    if b"queue_ttl" not in claim.fields or job.enqueued_at is None:
        return False
    # It waited for other jobs: its time in the queue began when they let it go.
    return now - job.enqueued_at > timedelta(seconds=float(claim.fields[b"queue_ttl"]))


def _salvaged(fields: Mapping[bytes, bytes]) -> Any:
    """The message in a record that cannot be read as a job, else the record's fields as text."""
    data = fields.get(b"data", b"")
    try:
        text = zlib.decompressobj().decompress(data, dead_letters.MAX_DATA)
    except zlib.error:
        text = data
    try:
        function, _, arguments, _ = json.loads(text)
    except (ValueError, TypeError):
        function, arguments = "", ()
    if function == JOB_FUNCTION and len(arguments) == 1:
        return arguments[0]
    return {name.decode(errors="replace"): _shown(value) for name, value in fields.items()}


def _shown(value: bytes) -> str:
    return value[: dead_letters.MAX_DATA].decode(errors="replace")
