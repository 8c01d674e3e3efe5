"""A worker that only takes jobs: it leases them and looks whether they may run, and runs none."""

from collections.abc import Sequence

from redis import Redis
from rq.job import Job

from workers import MessageWorker, keys
from workers.engine.alarm import NoAlarm
from workers.engine.child import Child
from workers.engine.lane import Tools
from workers.engine.order import Strategy
from workers.engine.page import Page
from workers.engine.plain import Plain
from workers.engine.rq_lane import RqLane
from workers.engine.step import Lease, Step
from workers.engine.task import Task

_MANY = 100


class Taker(Child):
    """The child of a worker, in the test's own process.

    Args:
        redis: The server.
        queues: The queues; `default` if none is named.
        strategy: See `Order`.
    """

    def __init__(self, redis: Redis, *queues: str, strategy: Strategy = "default") -> None:
        worker = MessageWorker(queues or ["default"], connection=redis)
        worker.order.strategy = strategy
        self.worker, self.leases, self.order = worker, worker.leases, worker.order
        super().__init__(worker.name, self.make, Page(1), Task(), worker.settings, NoAlarm())
        self._step: Step | None = None

    def make(self, tools: Tools) -> RqLane:
        """Keep at hand what the tests use of the lane."""
        self.rq_lane = RqLane(self.worker, self.leases, self.order, tools)
        self.admission = self.rq_lane.admission
        return self.rq_lane

    @property
    def holder(self) -> str:
        return self.leases.holder

    def lease(self, wanted: int = 1) -> Sequence[Lease]:
        """Take the next jobs, whether they may run or not."""
        self._step = self.step(wanted)
        return self._step.leased

    def let_in(self, lease: Lease) -> Plain | Job | None:
        """What a worker would run; None if the job must not run, or not now."""
        assert self._step is not None
        return self.rq_lane.admit(lease, self._step)

    def take(self) -> str | None:
        """The id of the next job that may run; None if there is none."""
        while leased := self.lease():
            if self.let_in(leased[0]) is not None:
                return leased[0].job_id
        return None

    def take_all(self) -> list[str]:
        """The ids of all jobs that may run."""
        taken = []
        while leased := self.lease(_MANY):
            taken += [each.job_id for each in leased if self.let_in(each) is not None]
        return taken

    def held(self) -> list[str]:
        """The ids of the jobs that are leased to it."""
        return leased_to(self.leases.connection, self.holder)

    def vanish(self) -> None:
        """Let its time be up, as when nothing was heard of it for too long."""
        self.leases.connection.zadd(keys.holders(), {self.holder: 0})

    def put_back_those_of(self, other: "Taker") -> None:
        """Take over what another one holds, and give it back to its lists."""
        found = self.leases.take_over(other.holder)
        assert found is not None
        self.leases.hand_back(found[1])


def leased_to(redis: Redis, holder: str) -> list[str]:
    """The ids of the jobs that somebody holds, in the order they were taken."""
    return ids_in(redis, keys.leases(holder))


def shown_as_started(redis: Redis, name: str = "default") -> list[str]:
    """The ids that RQ's readers find in its registry of started jobs."""
    return ids_in(redis, keys.started(name))


def ids_in(redis: Redis, key: str) -> list[str]:
    return [token.decode().rpartition(":")[0] for token in redis.zrange(key, 0, -1)]
