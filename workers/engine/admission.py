"""Which jobs may run that are not plain messages. Whatever stands in Redis, the worker goes on.

A job that may not run is buried and failed, or, if RQ could not even read it, quarantined.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from workers import keys, pauses
from workers.burial import Death, bury_job
from workers.clock import utc_now
from workers.dependents import settle_dependents
from workers.engine.ends import refusal_ending, salvaged
from workers.engine.leases import Leases
from workers.engine.step import Lease
from workers.foreign import is_ours, refusal
from workers.jobs import envelope_of
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
        leases: Whose jobs these are.
        settings: What is allowed.
    """

    leases: Leases
    settings: Settings

    def admit(self, lease: Lease) -> Job | None:
        """Let a leased job in, or bury it.

        Args:
            lease: The job.

        Returns:
            The job as RQ knows it; None if it must not run, and is accounted for.
        """
        if not lease.fields:
            gone = Objection("expired", "Its record was gone when a worker took it.")
            self._bury(lease, gone, None, {}, remove=True)
            return None
        try:
            job = Job(lease.job_id, connection=self.leases.connection, serializer=JSONSerializer)
            job.restore(dict(lease.fields))
            objection = self._objection(job, lease)
        except Exception as error:  # noqa: BLE001 - a corrupt field can raise anything in RQ's parser
            self._quarantine(lease, error)
            return None
        if objection is None:
            return job
        self._bury(lease, objection, envelope_of(job), job.meta, ttl=job.failure_ttl)
        return None

    def hand_back(self, rest: Sequence[Lease]) -> None:
        """Give back jobs that were not started. Safe to repeat.

        Args:
            rest: The jobs. One whose record was gone before it was leased is buried here, because
                whose record goes later was deleted on purpose, and is handed back without a trace.
        """
        for lease in rest:
            if not lease.fields:
                self.admit(lease)
        self.leases.hand_back([each for each in rest if each.fields])

    def expire(self, lease: Lease, envelope: Any, meta: dict[str, Any]) -> None:
        """Bury a message that waited for longer than its sender wanted.

        Args:
            lease: The job.
            envelope: The message.
            meta: The job's meta.
        """
        self._bury(lease, _EXPIRED, envelope, meta)

    def quarantine(self, broken: Sequence[Lease], strange: Sequence[bytes]) -> None:
        """Bury what a step found to be no jobs. Safe to repeat.

        Args:
            broken: Runs whose record was overwritten.
            strange: What stood in lists and cannot be ids.
        """
        why = "Its record was overwritten while it ran; its handler has done its work."
        for lease in broken:
            quarantine(self.leases, lease, why, self.settings.failure_ttl)
        for entry in strange:
            bury_entry(entry, connection=self.leases.connection)

    def is_held(self, lease: Lease, envelope: Any, paused: frozenset[str]) -> bool:
        """Hold a message back if its type or its tenant is paused.

        Args:
            lease: The job.
            envelope: The message.
            paused: What was paused when it was leased.

        Returns:
            Whether it is held back; then the lease is over.
        """
        where = (keys.leases(self.leases.holder), lease.token)
        taken = pauses.Taken(lease.job_id, lease.list_name, where, lease.order, lease.fields)
        marks = paused.intersection(pauses.marks_of(envelope))
        client = self.leases.connection
        return any(pauses.hold(taken, mark, connection=client) for mark in sorted(marks))

    def _objection(self, job: Job, lease: Lease) -> Objection | None:
        if not isinstance(job.meta, dict):
            message = "its meta is not an object"
            raise TypeError(message)
        if _is_expired(job, lease):
            return _EXPIRED
        try:
            forbidden = refusal(job, self.settings.allow_foreign_jobs)
            if forbidden:
                return Objection("foreign_function", forbidden)
            if is_ours(job) and (len(job.args) != 1 or job.kwargs):
                return Objection("invalid_payload", "A message is one argument and nothing else.")
        except DeserializationError:
            return Objection("not_json", "Its data is not JSON, and nothing else is ever read.")
        return None

    def _quarantine(self, lease: Lease, error: Exception) -> None:
        why = f"Its record cannot be read: {type(error).__name__}: {error}"
        quarantine(self.leases, lease, why, self.settings.failure_ttl)

    def _bury(  # noqa: PLR0913 - the facts of one burial
        self,
        lease: Lease,
        objection: Objection,
        envelope: Any,
        meta: dict[str, Any],
        *,
        ttl: int | None = None,
        remove: bool = False,
    ) -> None:
        ttl = self.settings.failure_ttl if ttl is None else ttl
        _bury(self.leases, lease, objection, envelope, meta, ttl=ttl, remove=remove)


def quarantine(leases: Leases, lease: Lease, why: str, ttl: int) -> None:
    """Bury a job whose record would stop every stock reader that meets it, and remove the record.

    Args:
        leases: Whose job it is.
        lease: The job.
        why: What is wrong with it, a sentence.
        ttl: Seconds that RQ's records of failures are kept.
    """
    objection, found = Objection("corrupt", why), salvaged(lease.fields)
    _bury(leases, lease, objection, found, {}, ttl=ttl, remove=True)


def bury_entry(entry: bytes, *, connection: redis.Redis) -> None:
    """Bury what stood in a list and cannot be the id of a job: nobody could name such a job.

    Args:
        entry: The list's name, a space, and what stood there.
        connection: Where.
    """
    name, _, rest = entry.partition(b" ")
    death = Death(
        job_id=f"entry-{hashlib.sha256(entry).hexdigest()[:12]}",
        queue=name.decode(errors="replace"),
        reason="corrupt",
        error="It stood in the list and cannot be the id of a job.",
        envelope=rest.decode(errors="replace"),
    )
    bury_job(death, meta={}, now=utc_now(), connection=connection)
    connection.execute_command("LREM", keys.strange(), 1, entry)


def _bury(  # noqa: PLR0913 - the facts of one burial
    leases: Leases,
    lease: Lease,
    objection: Objection,
    envelope: Any,
    meta: dict[str, Any],
    *,
    ttl: int,
    remove: bool,
) -> None:
    death = Death(
        job_id=lease.job_id,
        queue=lease.list_name,
        reason=objection.reason,
        error=objection.why,
        envelope=envelope,
    )
    ending = refusal_ending(leases, lease, objection.why, ttl=ttl, remove=remove)
    client = leases.connection
    bury_job(death, meta=meta, now=utc_now(), connection=client, ending=ending)
    settle_dependents(lease.job_id, connection=client)


_EXPIRED = Objection("expired", "It waited in its queue for longer than its queue TTL.")


def _is_expired(job: Job, lease: Lease) -> bool:
    now = utc_now()
    if b"expires_at" in lease.fields:
        return now.timestamp() > float(lease.fields[b"expires_at"])
    if b"queue_ttl" not in lease.fields or job.enqueued_at is None:
        return False
    # It waited for other jobs: its time in the queue began when they let it go.
    return now - job.enqueued_at > timedelta(seconds=float(lease.fields[b"queue_ttl"]))
