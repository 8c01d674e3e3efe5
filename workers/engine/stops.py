"""Runs that somebody asks to stop, as their worker sees it, and how such a run ends.

The child is told, and its handler has `STOP_GRACE` to end; then the child is killed.
"""

import time

from workers.dependents import settle_dependents
from workers.engine import ends
from workers.engine.away import Away
from workers.engine.horse import Horse
from workers.engine.leases import Leases
from workers.engine.page import Running
from workers.engine.plain import Plain
from workers.engine.step import Lease
from workers.logger import get_logger
from workers.runs import Run
from workers.scripts import script

log = get_logger("postroom.worker")

_ERROR = "Job stopped by user."  # as RQ's text begins, whose process is always killed


class Stops:
    """What a worker was asked to stop.

    RQ's thread for commands leaves a word here, and the worker's own loop does the rest.

    Args:
        grace: Seconds that a handler has to end.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._since: dict[tuple[str, str], float] = {}
        self._again: set[tuple[str, str]] = set()

    def ask(self, run: Running) -> None:
        """Note that a run is to stop, for good.

        Args:
            run: As the page shows it.
        """
        name = run.job_id, run.execution
        self._again.discard(name)
        self._since.setdefault(name, time.monotonic())

    def ask_again(self, run: Running) -> None:
        """Note that a run is to stop and its job to run again, unless it is to stop for good.

        Args:
            run: As the page shows it.
        """
        name = run.job_id, run.execution
        if name not in self._since:
            self._again.add(name)  # first: once it stands in the other, the worker's loop acts
            self._since[name] = time.monotonic()

    def is_asked(self, lease: Lease | Running) -> bool:
        """Whether somebody asked for that.

        Args:
            lease: The lease of the run, or the run as the page shows it.
        """
        return (lease.job_id, lease.execution) in self._since

    def runs_again(self, lease: Lease | Running) -> bool:
        """Whether its job is to run again then.

        Args:
            lease: As for `is_asked`.
        """
        return (lease.job_id, lease.execution) in self._again

    def tell(self, horse: Horse) -> bool:
        """Tell the child again and again, as a signal may come where it must not interrupt.

        Args:
            horse: The child.

        Returns:
            Whether it must be killed, for a run that did not end in time or that RQ's code runs.
        """
        names = list(self._since)  # before the page is read: what comes meanwhile is not forgotten
        if not names:
            return False
        running = {(each.job_id, each.execution): each for each in horse.page.running()}
        for name in names:
            if name not in running:  # it ended: the next one must not die for it
                del self._since[name]
                self._again.discard(name)
        told = [running[name] for name in names if name in running]
        for each in told:
            if (each.job_id, each.execution) in self._again:
                horse.page.ask_to_run_again(each)
            else:
                horse.page.ask_to_end(each)
        if told:
            horse.wake()
        return any(self._is_over(each) for each in told)

    def _is_over(self, run: Running) -> bool:
        since = self._since[run.job_id, run.execution]
        return run.is_stock or time.monotonic() - since >= self._grace


def end_stopped(leases: Leases, lease: Lease, run: Run, job: Plain, away: Away) -> None:
    """End a run that was stopped, and whose process lives.

    Args:
        leases: Whose lease it is.
        lease: The lease.
        run: The run.
        job: What its record says.
        away: Waits while Redis is away.
    """
    failed = ends.failure(lease, run, ends.type_of(job.envelope()), "", job)
    text = script("workers", "ending") + script("workers.engine", "stop")
    stop = run.connection.register_script(text)
    if away.insist(lambda: stop(args=[ends.ending(leases, _ERROR, failed).run])):
        log.warning("job_stopped", job_id=lease.job_id, duration_ms=run.duration_ms)
        away.insist(lambda: settle_dependents(lease.job_id, connection=run.connection))
    else:
        log.warning("lease_lost", job_id=lease.job_id)
