"""What differs between the ways in which messages wait: in RQ's queues, or in streams.

A child runs what its lane leases, keeps the time and talks to its worker; where the messages come
from, and where their runs end, is the lane's. `rq_lane` is that of RQ's queues.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rq.job import Job

from workers.engine.alarm import Alarm, NoAlarm
from workers.engine.away import Away
from workers.engine.idle import Idle
from workers.engine.page import Count, Page
from workers.engine.run_message import Messages
from workers.engine.step import Lease, Step
from workers.engine.steps import Steps
from workers.engine.task import Task
from workers.lines import JobLines
from workers.settings import Settings

Message = Any
"""What a lane's `admit` says of a message; only the lane itself looks into it."""


@dataclass(frozen=True)
class Tools:
    """What a child has that its lane needs.

    Args:
        page: What the child shares with its worker.
        task: What it is to do.
        settings: Those of the worker.
        alarm: Interrupts what runs.
        away: Waits while Redis is away.
        lines: Writes the lines of messages that go well.
        done: What the child has done; counted on.
    """

    page: Page
    task: Task
    settings: Settings
    alarm: Alarm | NoAlarm
    away: Away
    lines: JobLines
    done: Count


class Lane(Protocol):
    """What a child leases and how it ends.

    Args:
        steps: Commits what is done and leases what comes next.
        idle: Waits while there is nothing.
        messages: Runs messages.
    """

    steps: "Steps[Any]"
    idle: Idle
    messages: "Messages[Any]"

    def admit_plain(self, lease: Lease, step: Step) -> Message | None:
        """Look whether a message may run, without a question to Redis.

        Args:
            lease: The message.
            step: In which it was leased.

        Returns:
            What its record says; None if somebody must look closer.
        """

    def admit(self, lease: Lease, step: Step) -> Message | Job | None:
        """Look whether a job may run.

        Args:
            lease: The job.
            step: In which it was leased.

        Returns:
            A message that the engine runs itself, or a job for RQ's own code; None if it must not
            run, or not now, and is accounted for.
        """

    def run_stock(self, lease: Lease, job: Job) -> None:
        """Run a job by RQ's own code, and end its run."""

    def hand_back(self, rest: Sequence[Lease]) -> None:
        """Give back what was not started. Safe to repeat."""

    def asked_for(self, rest: Sequence[Lease]) -> Sequence[Lease]:
        """Of what was not started, what somebody wants to cancel."""

    def may_start(self, rest: Sequence[Lease]) -> Sequence[Lease]:
        """Cancel those of which somebody wants it.

        Args:
            rest: What was not started, and is not while this lasts.

        Returns:
            The others, without those that are somebody else's by now.
        """

    def crashed(self, lease: Lease, error: str) -> None:
        """End a run that did not come to its own end.

        Args:
            lease: The run.
            error: What is known.
        """

    def type_of(self, lease: Lease) -> str:
        """The message type that a lease seems to have; a wrong guess costs time, no more."""


MakeLane = Callable[[Tools], Lane]
