"""What a worker is told from outside: signals, and RQ's commands to stop, to kill and to shut down.

RQ's thread for commands and the handlers of signals only leave a word here; the worker's own loop
acts on it.
"""

import signal
import time
from types import FrameType
from typing import Any

from rq import Queue
from rq.command import parse_payload
from rq.executions import Execution
from rq.job import Job
from typing_extensions import override

from workers.engine.keeper import Keeper
from workers.engine.page import Page
from workers.engine.rq_ends import RqEnds
from workers.settings import Settings


class Commands(RqEnds):
    """RQ's worker, as far as it is told what to do.

    Args:
        settings: How long running jobs have to end.
        page: Shared with the child; None before there is one.
        must_stop_now: Whether a second signal came.
        kill_asked: Whether the child is to be killed.
    """

    settings: Settings
    page: Page | None = None
    must_stop_now = False
    kill_asked = False
    _keeper: Keeper | None = None
    _stop_asked_at: float | None = None

    @property
    def is_to_stop(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._stop_asked_at is not None

    @property
    def grace_is_over(self) -> bool:
        """Whether its jobs had the time that they get after that."""
        since = self._stop_asked_at
        waited = 0.0 if since is None else time.monotonic() - since
        return self.must_stop_now or (since is not None and waited >= self.settings.shutdown_grace)

    @override
    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Let running jobs end, and then leave; a second signal makes it leave at once.

        Args:
            signum: The signal.
            frame: Where it came.
        """
        del signum, frame
        now = time.monotonic()
        if self._stop_asked_at is None:
            self._stop_asked_at = now
            self._stop_requested = True
        elif now - self._stop_asked_at >= 1:  # a pool and a terminal may both pass one signal on
            self.must_stop_now = True

    @override
    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Have the child killed; comes from RQ's thread for commands.

        Args:
            sig: Makes no difference.
        """
        del sig
        self.kill_asked = True

    @override
    def handle_payload(self, message: Any) -> None:
        """As RQ does; any of several jobs that run at the same time may be stopped.

        Args:
            message: What came on the worker's channel.
        """
        payload = parse_payload(message)
        asked = payload.get("job_id") if payload.get("command") == "stop-job" else None
        running = [] if self.page is None else self.page.running()
        if asked and any(each.job_id == asked for each in running):
            self._stopped_job_id = asked
            self.kill_asked = True
        else:
            super().handle_payload(message)  # type: ignore[no-untyped-call]  # rq is typed in part

    @override
    def get_current_job_id(self) -> str | None:
        """The job that the child runs."""
        running = [] if self.page is None else self.page.running()
        return running[0].job_id if running else None

    @property
    @override
    def horse_pid(self) -> int:
        """The child, for RQ's command to kill it; 0 while it runs no job, as with RQ's worker."""
        horse = None if self._keeper is None else self._keeper.horse
        return horse.pid if horse is not None and horse.page.running() else 0

    @override
    def request_stop_execution(self, execution_id: str) -> None:
        """Stop one run; comes from RQ's thread for commands.

        Args:
            execution_id: Of the run. One that is over is left alone.
        """
        running = [] if self.page is None else self.page.running()
        for each in running:
            if each.execution == execution_id:
                self._stopped_job_id = each.job_id
                self.kill_horse()

    @property
    def stopped_job_id(self) -> str | None:
        """The job that somebody asked to stop."""
        return self._stopped_job_id

    @stopped_job_id.setter
    def stopped_job_id(self, job_id: str | None) -> None:
        self._stopped_job_id = job_id

    def end_stopped(self, job: Job, queue: Queue, execution: Execution) -> None:
        """End a job that was stopped, with its callback, as RQ does.

        Args:
            job: The job.
            queue: The list it was in.
            execution: Its run.
        """
        self._handle_stopped_job(job, queue, execution)

    @override
    def unsubscribe(self) -> None:
        """As RQ does; its thread is told first, or it may wait for an answer that it has had."""
        if self.pubsub_thread is not None:
            self.pubsub_thread.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]  # rq is typed in part
