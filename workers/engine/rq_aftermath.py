"""What becomes of the jobs of RQ's queues that a child had when it died."""

import time
from typing import TYPE_CHECKING, Any

import redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from workers.clock import written_now
from workers.engine.alarm import NoAlarm
from workers.engine.away import Away
from workers.engine.child_death import ChildDeath
from workers.engine.crashes import crashed
from workers.engine.ends import success_from
from workers.engine.horse import Horse
from workers.engine.plain import plain
from workers.engine.recovery import fresh, is_that, settle_lost, uncommitted
from workers.engine.rq_endings import RqEndings
from workers.engine.run_message import Messages
from workers.engine.run_stock import Stock
from workers.engine.step import Lease
from workers.errors import JobStopped, JobStuck
from workers.redaction import redacted
from workers.routing import queue_of
from workers.run_facts import Place
from workers.sayer import Silent

if TYPE_CHECKING:
    from workers.engine.worker import MessageWorker


class RqAftermath:
    """Tidies up for one worker.

    Args:
        worker: The worker.
    """

    def __init__(self, worker: "MessageWorker") -> None:
        self._worker = worker

    def settle(self, death: ChildDeath) -> None:
        """Commit, judge and hand back; see `stable.Aftermath`."""
        worker = self._worker
        self._commit_journal(death.horse)
        self._tell(death)
        found = worker.leases.take_over(death.horse.holder)
        taken = [] if found is None else [each for each in found[1] if each.list_name]
        asked = [each for each in taken if _ran(each, death) and worker.stops.is_asked(each)]
        blamed = [each for each in taken if each not in asked and self._blames(death, each)]
        ended = (*asked, *blamed)
        worker.leases.hand_back([each for each in taken if each not in ended])
        for lease in asked:
            self._end_asked(lease, death)
        if len(blamed) > 1 and death.killed_for is None:
            settle_lost(worker.leases, blamed, error=death.words)
            return
        for lease in blamed:
            self._judge(lease, death, death.killed_for)

    def _end_asked(self, lease: Lease, death: ChildDeath) -> None:
        if self._worker.stops.runs_again(lease):
            seconds = next(run.seconds for run in death.running if is_that(lease, run))
            self._judge(lease, death, JobStuck(seconds))
        else:
            self.stop(fresh(lease, self._worker.connection))

    def _tell(self, death: ChildDeath) -> None:
        """Let readers know how a child died that was not to end."""
        worker = self._worker
        if death.code >= 0 or worker.is_to_stop or isinstance(death.killed_for, JobStopped):
            return
        how = f"signal {-death.code}" if death.killed_for is None else str(death.killed_for)
        told: dict[Any, Any] = {
            "child_died_at": written_now(),
            "child_died_of": redacted(how),
            "child_died_with_mb": round(death.horse.seen_mb, 1),
            "child_died_in": ",".join(sorted({queue_of(each.list_name) for each in death.running})),
        }
        worker.connection.hset(worker.key, mapping=told)

    def stop(self, lease: Lease) -> None:
        """End a run that was stopped by force, as RQ does.

        Args:
            lease: The run, with the hash of its job.
        """
        connection: redis.Redis = self._worker.connection
        job = Job(lease.job_id, connection=connection, serializer=JSONSerializer)
        job.restore(dict(lease.fields))
        queue = Queue(lease.list_name, connection=connection, serializer=JSONSerializer)
        execution = Execution(lease.execution, lease.job_id, connection, self._worker.name)
        self._worker.end_stopped(job, queue, execution)

    def _blames(self, death: ChildDeath, lease: Lease) -> bool:
        leaving = self._worker.is_to_stop
        return any(
            is_that(lease, run) and death.is_caused_by(run, leaving=leaving)
            for run in death.running
        )

    def _commit_journal(self, horse: Horse) -> None:
        leases = self._worker.leases_of(horse.holder)
        runs = uncommitted(leases, horse.page.journal())
        if not runs:
            return
        step = leases.step("journal", 0, runs, ())
        for place in step.awaited:
            stock = Stock(self._worker, leases, NoAlarm())
            before, self._worker.leases = self._worker.leases, leases
            try:
                stock.finish(*success_from(runs[place]))
            finally:
                self._worker.leases = before
        horse.page.clear()

    def _judge(self, lease: Lease, death: ChildDeath, error: BaseException | None) -> None:
        leases, settings = self._worker.leases, self._worker.settings
        known = fresh(lease, leases.connection)
        job = plain({**known.fields, b"status": b"queued"}, lease.list_name)
        if error is None or job is None:
            crashed(leases, lease, death.words)
            return
        place = Place(leases.worker, leases.connection, settings)
        endings = RqEndings(leases, Away(self._worker.name))
        messages = Messages(place, endings, Silent())
        messages.judge_killed(known, job, error, now=time.time())


def _ran(lease: Lease, death: ChildDeath) -> bool:
    return any(is_that(lease, run) for run in death.running)
