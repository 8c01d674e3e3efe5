"""How the runs of entries end: acknowledged with the next step, or at once with a successor."""

import hashlib
import json
from dataclasses import replace

from messages import Message
from messages.masking import secrets_of
from workers import dead_letters
from workers.attempts import AttemptRecord
from workers.burial import Death, bury_job
from workers.clock import utc_now
from workers.dispatcher import Dead, RetryAfter
from workers.engine.away import Away
from workers.engine.ends import type_of
from workers.engine.run_message import Ending
from workers.engine.slot import Done
from workers.errors import JobStopped
from workers.handling import HandBack, death_of, say_handed_back, say_retried
from workers.logger import get_logger
from workers.lost import CRASH_LIMIT, PAUSES, crash_record
from workers.redaction import hiding
from workers.release import code_version
from workers.runs import Run
from workers.streams import ends
from workers.streams.entry import Delivery, Entry
from workers.streams.hands import Hands
from workers.streams.naming import Naming, StreamName

log = get_logger("postroom.streams")

_STOPPED = "STUCK_POLICY stopped its run."
_VANISHED = "each of its consumers vanished with it"

EntryEnding = Ending[Delivery]


class StreamEndings:
    """Ends runs of entries that a consumer still has.

    Args:
        hands: Whose entries they are.
        naming: What keys of streams say.
        away: Waits while Redis is away.
    """

    def __init__(self, hands: Hands, naming: Naming, away: Away) -> None:
        self._hands = hands
        self._naming = naming
        self._away = away

    def succeed(self, ending: EntryEnding, message: Message, result: object) -> Done:
        """Make what the next step acknowledges; see `Endings`, like all that follow."""
        entry, run = _entry(ending), ending.run
        self._hands.forget(entry)
        made = ends.success(entry, run, message, self._name(entry))
        return Done(entry, run.began, result, made)

    def stop(self, ending: EntryEnding) -> None:
        """Bury a message whose run was stopped for good: an entry cannot stay where it is."""
        entry, run, envelope = _entry(ending), ending.run, ending.job.envelope()
        kind = type_of(envelope)
        death = Death(entry.job_id, entry.list_name, "stopped", _STOPPED, envelope)
        # Whoever is stopped has not failed by itself: it counts for no group of failures.
        record = replace(run.ended("dead", JobStopped(_STOPPED), kind=kind), fingerprint="")
        log.warning("job_stopped", job_id=entry.job_id, duration_ms=run.duration_ms)
        self._bury(entry, run, death, record, kind)

    def retry(self, ending: EntryEnding, message: Message | None, outcome: RetryAfter) -> None:
        """Let the message run again, as another entry."""
        run = ending.run
        kind = message.message_type if message else type_of(ending.job.envelope())
        delay = say_retried(run, outcome)
        record = run.ended(
            "retried", outcome.error, kind=kind, delay=delay, tier=outcome.tier, why=outcome.why
        )
        self._restart(ending, record, outcome="retried", kind=kind, delay=delay)

    def give_to_others(self, ending: EntryEnding, found: HandBack) -> None:
        """Let another consumer try, which may know its type."""
        kind = type_of(ending.job.envelope())
        say_handed_back(ending.run, kind, found)
        self._restart(ending, found.record, outcome="handed_back", kind=kind, delay=found.delay)

    def hold(self, ending: EntryEnding, *, kind: str, delay: float) -> None:
        """Put a message aside whose type is paused.

        Args:
            ending: Its entry, and a run that calls no handler.
            kind: The message type.
            delay: Seconds until somebody looks again.
        """
        self._restart(ending, None, outcome="held", kind=kind, delay=delay, is_start=False)

    def bury(self, ending: EntryEnding, message: Message | None, outcome: Dead) -> None:
        """Make it a dead letter."""
        run, envelope = ending.run, ending.job.envelope()
        kind = message.message_type if message else type_of(envelope)
        with hiding(secrets_of(envelope)):
            record = run.ended("dead", outcome.error, kind=kind, why=outcome.why)
        self._bury(_entry(ending), run, death_of(run, outcome, envelope), record, kind)

    def refuse(self, ending: EntryEnding, reason: str, why: str) -> None:
        """Bury an entry that must not run: its consumers vanished with it.

        Args:
            ending: Its entry, and a run that calls no handler.
            reason: As a dead letter names it.
            why: A sentence.
        """
        entry, envelope = _entry(ending), ending.job.envelope()
        death = Death(entry.job_id, entry.list_name, reason, why, envelope)
        kind = type_of(envelope)
        # Whoever refuses it has not run it, and is perhaps of another release.
        record = replace(self._crash(ending.run, _VANISHED, None, kind), worker="", code_version="")
        self._bury(entry, ending.run, death, record, kind)

    def crashed(self, entry: Entry, run: Run, job: Delivery, error: str) -> None:
        """End a run whose process died: it runs again after a pause, or is buried.

        Args:
            entry: Its entry.
            run: A run of it.
            job: What the entry says.
            error: What is known about the death.
        """
        crashes = sum(past.outcome == "crashed" for past in run.past) + 1
        ending, kind = Ending(entry, run, job), type_of(job.envelope())
        if crashes < CRASH_LIMIT:
            delay = PAUSES[crashes - 1]
            log.warning(
                "job_lost_its_process", job_id=entry.job_id, error=error, delay_seconds=delay
            )
            record = self._crash(run, error, delay, kind)
            self._restart(ending, record, outcome="crashed", kind=kind, delay=delay)
            return
        why = f"{CRASH_LIMIT} processes died while they ran it; the last: {error}"
        death = Death(entry.job_id, entry.list_name, "crash_loop", why, job.envelope())
        self._bury(entry, run, death, self._crash(run, error, None, kind), kind)

    def _restart(  # noqa: PLR0913 - the facts of one run
        self,
        ending: EntryEnding,
        record: AttemptRecord | None,
        *,
        outcome: str,
        kind: str,
        delay: float,
        is_start: bool = True,
    ) -> None:
        entry, run, job = _entry(ending), ending.run, ending.job
        again = ends.restart(
            *(entry, run, self._name(entry), record),
            outcome=outcome,
            kind=kind,
            delay=delay,
            meta=job.meta,
            is_start=is_start,
        )
        if not self._away.insist(lambda: self._hands.again(entry, again)):
            log.warning("lease_lost", job_id=entry.job_id)

    def _bury(
        self, entry: Entry, run: Run, death: Death, record: AttemptRecord | None, kind: str
    ) -> None:
        self._hands.forget(entry)
        if not self._away.insist(lambda: self._hands.holds(entry)):
            log.warning("lease_lost", job_id=entry.job_id)
            return
        name, holder = self._name(entry), self._hands.holder
        failed = "" if record is None else record.failure
        ending = ends.ending(holder, entry, run, name, kind=kind, failed=failed)
        past = run.past if record is None else (*run.past, record)
        self._away.insist(
            lambda: bury_job(
                self._addressed(death, run),
                meta=run.meta,
                now=utc_now(),
                connection=run.connection,
                past=past,
                ending=ending,
            )
        )

    def _addressed(self, death: Death, run: Run) -> Death:
        """A death with what a replay needs to know, and an id that no other letter has."""
        group = self._hands.holder.group
        found = dead_letters.find(death.job_id, connection=run.connection)
        place = {"stream": death.queue, "group": group}
        if found is not None and (found.queue, found.options.get("group")) != (death.queue, group):
            # Entries made by hand have no id of their own, and each group may bury a message.
            mark = hashlib.sha256(json.dumps(place).encode()).hexdigest()[:8]
            death = replace(death, job_id=f"{death.job_id}-{mark}")
        return replace(death, **place)

    def _name(self, entry: Entry) -> StreamName:
        return self._naming.read(entry.list_name)

    @staticmethod
    def _crash(run: Run, error: str, delay: int | None, kind: str) -> AttemptRecord:
        return crash_record(
            run.attempt.number,
            error,
            worker=run.place.worker,
            release=code_version(run.settings.code_version),
            started=run.started_at,
            delay=delay,
            kind=kind,
        )


def _entry(ending: EntryEnding) -> Entry:
    entry = ending.lease
    assert isinstance(entry, Entry), "this lane leases nothing else"  # noqa: S101 - for mypy
    return entry
