"""The lane of RQ's queues: what a child leases from their lists, and where the runs end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rq.job import Job

from workers.engine.admission import Admission
from workers.engine.cancelled import asked_for, without_cancelled
from workers.engine.crashes import crashed
from workers.engine.idle import Idle, QueueBell
from workers.engine.lane import Tools
from workers.engine.leases import Leases
from workers.engine.order import Order
from workers.engine.plain import Plain, plain
from workers.engine.rq_endings import RqEndings
from workers.engine.run_message import Messages
from workers.engine.run_stock import Stock
from workers.engine.slot import Done
from workers.engine.step import Lease, Step
from workers.engine.steps import Steps
from workers.run_facts import Place

if TYPE_CHECKING:
    from workers.engine.worker import MessageWorker


class RqLane:
    """What one child takes from RQ's queues; see `Lane`.

    Args:
        worker: Whose methods run what RQ's own code runs.
        leases: Those of the child.
        order: In which order the lists are served.
        tools: The child's.
    """

    def __init__(self, worker: "MessageWorker", leases: Leases, order: Order, tools: Tools) -> None:
        self.leases = leases
        self.admission = Admission(leases, tools.settings)
        self._away, self._page = tools.away, tools.page
        self._stock = Stock(worker, leases, tools.alarm)
        place = Place(leases.worker, leases.connection, tools.settings)
        self.messages = Messages(place, RqEndings(leases, tools.away), tools.lines)
        self.steps = Steps(leases, order, self, tools.page, tools.away, tools.done)
        self.idle = Idle(QueueBell(leases.connection, order), tools.page, tools.task)

    @staticmethod
    def admit_plain(lease: Lease, step: Step) -> Plain | None:
        """Look whether a message may run; see `Lane`, like all that follow."""
        job = plain(lease.fields, lease.list_name)
        if job is None or step.paused:
            return None
        return None if job.expires_at is not None and step.now > job.expires_at else job

    def admit(self, lease: Lease, step: Step) -> Plain | Job | None:
        """Look whether a job may run."""
        job = plain(lease.fields, lease.list_name)
        if job is None:
            self._page.end(0)
            return self._away.insist(lambda: self.admission.admit(lease))
        if step.paused and self.admission.is_held(lease, job.envelope(), step.paused):
            return None
        if job.expires_at is not None and step.now > job.expires_at:
            self._away.insist(lambda: self.admission.expire(lease, job.envelope(), job.meta))
            return None
        return job

    def run_stock(self, lease: Lease, job: Job) -> None:
        """Run a job as RQ does."""
        self._stock.run(lease, job)

    def finish(self, done: Done) -> None:
        """End a run whose job others wait for."""
        self._stock.finish(done.lease, done.started_at, done.result)

    def quarantine(self, broken: Sequence[Lease], strange: Sequence[bytes]) -> None:
        """Bury what a step found to be no jobs."""
        self.admission.quarantine(broken, strange)

    def hand_back(self, rest: Sequence[Lease]) -> None:
        """Give back what was not started."""
        self.admission.hand_back(rest)

    def asked_for(self, rest: Sequence[Lease]) -> Sequence[Lease]:
        """What somebody wants to cancel."""
        return asked_for(self.leases, rest)

    def may_start(self, rest: Sequence[Lease]) -> Sequence[Lease]:
        """Cancel what somebody wants to."""
        return without_cancelled(self.leases, rest) if rest else ()

    def crashed(self, lease: Lease, error: str) -> None:
        """End a run that did not come to its own end."""
        crashed(self.leases, lease, error)

    @staticmethod
    def type_of(lease: Lease) -> str:
        """The message type: our producer writes it as the description."""
        kind: Any = lease.fields.get(b"description", b"")
        return str(kind, errors="replace")
