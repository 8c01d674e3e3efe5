"""Follows the policies for stuck jobs, for as long as the web process is served.

Of any number of processes one looks at a time, and what is done with a run the script of
`workers.stuck_runs` does once, whoever asks.
"""

from collections.abc import Mapping
from datetime import datetime

import redis

from monitoring.duties.rounds import Rounds
from monitoring.jobs.running import read_running
from monitoring.jobs.stuck_plans import due
from monitoring.queues.snapshot import take_snapshot
from workers import watch_keys
from workers.connection import storage_errors
from workers.logger import get_logger
from workers.settings import Settings
from workers.stuck_policies import read_stuck_policies
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
        found: dict[str, Done] = {}
        for run, policy in due(running, policies, now=now):
            found[run.job_id] = resolve(run, policy, now=now, connection=self._connection)
            if found[run.job_id] not in {"done", "done_before"}:
                log.warning("stuck_job_not_resolved", job_id=run.job_id, because=found[run.job_id])
        return found

    def _has_turn(self) -> bool:
        # A little less, so that the process which had the last turn is not late for the next.
        milliseconds = max(1, int(self._every * 900))
        return bool(self._connection.set(watch_keys.stuck_turn(), "1", nx=True, px=milliseconds))
