"""Follows the policies for stuck jobs, for as long as the web process is served.

Of any number of processes one looks at a time, and what is done with a run the script of
`workers.stuck_runs` does once, whoever asks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import redis

from monitoring.duties.rounds import Rounds
from monitoring.jobs.entry_plans import ON_ENTRIES, due_entries
from monitoring.jobs.running import read_running
from monitoring.jobs.stuck_plans import due
from monitoring.queues.snapshot import take_snapshot
from monitoring.streams.stuck_entries import HeldEntry, read_held_entries
from workers import watch_keys
from workers.connection import storage_errors
from workers.logger import get_logger
from workers.settings import Settings
from workers.stuck_entries import resolve_entry
from workers.stuck_policies import StuckPolicies, read_stuck_policies
from workers.stuck_runs import Done, resolve

log = get_logger("postroom.web")

EVERY_SECONDS = 10.0
"""Seconds between two looks, however many processes there are."""


class Warden:
    """Looks in a thread of its own. Where all policies are `report` it does nothing.

    Args:
        settings: The policies, and the queues.
        connection: Where it acts.
        reading: A replica to look at instead; None means `connection`.
        every: Seconds between two looks, above 0.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        connection: redis.Redis,
        reading: redis.Redis | None = None,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._settings = settings
        self._connection, self._reading = connection, reading or connection
        self._every = every
        self._rounds = Rounds("warden", self.look, every=every)

    def start(self) -> None:
        """Begin."""
        if read_stuck_policies(self._settings.stuck_policy).act:
            self._rounds.start()

    def stop(self) -> None:
        """End after the look that is under way."""
        self._rounds.stop()

    def look(self, *, now: datetime | None = None) -> Mapping[str, Done] | None:
        """Look once, and do what is due.

        Args:
            now: The time; None asks the server.

        Returns:
            What came of each job for which it was time; None if another process has looked
            just now, and then nothing was done.

        Raises:
            StorageUnavailable: If Redis does not answer.
            StorageRefused: If it does not let us look or act.
        """
        policies = read_stuck_policies(self._settings.stuck_policy)
        with storage_errors():
            if not policies.act or not self._has_turn():
                return None
            snapshot = take_snapshot(connection=self._reading, queues=self._settings.queues)
            now = now or snapshot.time
            running = read_running(snapshot, now=now, connection=self._reading)
            entries = self._entries(policies, now)
        found: dict[str, Done] = {}
        for run, policy in due(running, policies, now=now):
            found[run.job_id] = resolve(run, policy, now=now, connection=self._connection)
        group = self._settings.stream_group
        for entry, policy in due_entries(entries, policies, group=group, now=now):
            found[entry.job_id] = resolve_entry(entry, policy, now=now, connection=self._connection)
        for job_id, done in found.items():
            if done not in {"done", "done_before"}:
                log.warning("stuck_job_not_resolved", job_id=job_id, because=done)
        return found

    def _entries(self, policies: StuckPolicies, now: datetime) -> Sequence[HeldEntry]:
        # An entry has been in hand for at least as long as it has been running.
        every = [policies.default, *policies.by_type.values()]
        ages = [each.after for each in every if each.action in ON_ENTRIES]
        if not ages:
            return ()
        return read_held_entries(
            at_least=min(ages), now=now, settings=self._settings, connection=self._reading
        )

    def _has_turn(self) -> bool:
        # A little less, so that the process which had the last turn is not late for the next.
        milliseconds = max(1, int(self._every * 900))
        return bool(self._connection.set(watch_keys.stuck_turn(), "1", nx=True, px=milliseconds))
