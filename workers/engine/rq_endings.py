"""How the runs of messages end that waited in RQ's queues."""

from collections.abc import Sequence

from messages import Message
from messages.masking import secrets_of
from workers.burial import bury_job
from workers.clock import utc_now
from workers.dependents import settle_dependents
from workers.dispatcher import Dead, RetryAfter
from workers.engine import ends
from workers.engine.away import Away
from workers.engine.leases import Leases
from workers.engine.plain import Plain
from workers.engine.run_message import Ending
from workers.engine.slot import Done
from workers.engine.step import Lease
from workers.engine.stops import end_stopped
from workers.handling import HandBack, death_of, say_handed_back, say_retried
from workers.logger import get_logger
from workers.redaction import hiding
from workers.runs import line_of

log = get_logger("postroom.worker")


class RqEndings:
    """Ends runs under their lease.

    Args:
        leases: Whose jobs they are.
        away: Waits while Redis is away.
    """

    def __init__(self, leases: Leases, away: Away) -> None:
        self._leases = leases
        self._away = away

    @staticmethod
    def succeed(ending: Ending[Plain], message: Message, result: object) -> Done:
        """Make what the next step commits; see `Endings`, like all that follow."""
        lease, run, job = ending
        return Done(lease, run.began, result, ends.success(lease, run, job, message, result))

    def stop(self, ending: Ending[Plain]) -> None:
        """End a run that somebody stopped."""
        end_stopped(self._leases, *ending, self._away)

    def retry(self, ending: Ending[Plain], message: Message | None, outcome: RetryAfter) -> None:
        """Let the job run again."""
        run = ending.run
        kind = message.message_type if message else "unknown"
        delay = say_retried(run, outcome)
        record = run.ended(
            "retried", outcome.error, kind=kind, delay=delay, tier=outcome.tier, why=outcome.why
        )
        end = ends.restart(
            run,
            delay,
            record,
            outcome="retried",
            kind=kind,
            tenant=ends.tenant_of(message),
        )
        self._again(ending.lease, end)

    def give_to_others(self, ending: Ending[Plain], found: HandBack) -> None:
        """Let another worker try, which may know its type."""
        kind = ends.type_of(ending.job.envelope())
        say_handed_back(ending.run, kind, found)
        first = found.record is not None
        end = ends.restart(
            ending.run, found.delay, found.record, outcome="handed_back", kind=kind, meta=first
        )
        self._again(ending.lease, end)

    def bury(self, ending: Ending[Plain], message: Message | None, outcome: Dead) -> None:
        """Make it a dead letter."""
        lease, run, job = ending
        if not self._away.insist(lambda: self._leases.holds(lease)):
            log.warning("lease_lost", job_id=lease.job_id)
            return
        envelope = job.envelope()
        death = death_of(run, outcome, envelope)
        kind = message.message_type if message else ends.type_of(envelope)
        with hiding(secrets_of(envelope)):
            record = run.ended("dead", outcome.error, kind=kind, why=outcome.why)
        tenant = ends.tenant_of(message)
        failed = ends.failure(lease, run, kind, tenant, job, record.failure)
        self._away.insist(
            lambda: bury_job(
                death,
                meta=run.meta,
                now=utc_now(),
                connection=run.connection,
                past=(*run.past, record),
                ending=ends.ending(self._leases, death.traceback or line_of(outcome.error), failed),
            )
        )
        self._away.insist(lambda: settle_dependents(lease.job_id, connection=run.connection))

    def _again(self, lease: Lease, end: Sequence[str | float]) -> None:
        if not self._away.insist(lambda: self._leases.again(lease, end)):
            log.warning("lease_lost", job_id=lease.job_id)
