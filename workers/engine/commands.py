"""What a worker is told from outside: signals, and RQ's commands to stop, to kill and to shut down.

RQ's thread for commands and the handlers of signals only leave a word here; the worker's own loop
acts on it.
"""

import signal
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

from rq import Queue
from rq.command import parse_payload
from rq.executions import Execution
from rq.job import Job
from typing_extensions import override

from workers import stuck_runs
from workers.cancelling import CHANNEL
from workers.engine.keeper import Keeper
from workers.engine.page import Page, Running
from workers.engine.rq_ends import RqEnds
from workers.engine.stops import Stops
from workers.settings import Settings


class Commands(RqEnds):
    """RQ's worker, as far as it is told what to do.

    Args:
        settings: How long running jobs have to end.
        page: Shared with the child; None before there is one.
        must_stop_now: Whether a second signal came.
        kill_asked: Whether the child is to be killed.
        stops: The runs that somebody asked to stop.
    """

    settings: Settings
    page: Page | None = None
    must_stop_now = False
    kill_asked = False
    stops: Stops
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
        """As RQ does; any of several jobs that run at the same time may be stopped, or run again.

        To be told twice to shut down is to be told once: two people may ask.

        Args:
            message: What came on the worker's channel.
        """
        payload = parse_payload(message)
        if payload.get("command") == "shutdown" and self.is_to_stop:
            return  # RQ would send another SIGINT, which ends what still runs
        running = [] if self.page is None else self.page.running()
        asked = [each for each in running if _is_to_stop(payload, each)]
        for each in asked:
            if payload.get("command") == stuck_runs.REQUEUE:
                self.stops.ask_again(each)
            else:
                self.stops.ask(each)
        if not asked:
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

    def end_stopped(self, job: Job, queue: Queue, execution: Execution) -> None:
        """End a job whose process was killed to stop it, with its callback, as RQ does.

        Args:
            job: The job.
            queue: The list it was in.
            execution: Its run.
        """
        self._stopped_job_id = job.id
        self._handle_stopped_job(job, queue, execution)

    @override
    def subscribe(self) -> None:
        """As RQ does, and hear when somebody wants to cancel a job that a worker has."""
        super().subscribe()  # type: ignore[no-untyped-call]  # rq is typed in part
        if self.pubsub is not None:
            self.pubsub.subscribe(**{CHANNEL: self._hear_cancel})

    def _hear_cancel(self, message: Any) -> None:
        del message  # the child asks Redis itself which jobs are meant
        horse = None if self._keeper is None else self._keeper.horse
        if horse is not None:
            horse.wake()

    @override
    def unsubscribe(self) -> None:
        """As RQ does; its thread is told first, or it may wait for an answer that it has had."""
        if self.pubsub_thread is not None:
            self.pubsub_thread.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]  # rq is typed in part


def _is_to_stop(payload: Mapping[str, Any], run: Running) -> bool:
    match payload.get("command"):
        case "stop-job":
            return run.job_id == payload.get("job_id")
        case "stop-execution" | stuck_runs.REQUEUE:  # the jobs of one step share its name
            asked = payload.get("job_id"), payload.get("execution_id")
            return (run.job_id, run.execution) == asked
    return False
