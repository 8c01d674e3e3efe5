"""A job that can be brought into every state, on a real server, with the worker's own code."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from tests.processes import own_keys
from tests.workers.conftest import message
from tests.workers.engine.transitions import State
from tests.workers.takers import Taker
from workers import By, attempts, dead_letters, enqueue, keys, operations, pauses
from workers.burial import Death, bury_job
from workers.clock import utc_now
from workers.dependents import settle
from workers.engine import ends
from workers.engine.admission import Admission
from workers.engine.cancelled import without_cancelled
from workers.engine.crashes import crashed
from workers.engine.due import Due
from workers.engine.order import Turn
from workers.engine.plain import Plain, plain
from workers.engine.recovery import fresh
from workers.engine.rq_aftermath import RqAftermath
from workers.engine.step import Lease
from workers.engine.stops import end_stopped
from workers.runs import Run
from workers.stopping import Stop
from workers.successors import retry_job

LIST = "default"
TURNS = (Turn(LIST, 10),)
BY = By("ann", "a test")
PAUSE = "type:TEST"
VOLATILE = ("stats:", "recent", "done", "holders", "step:", "audit", "pauses", "claim_order")
VOLATILE = (*VOLATILE, "cancel:", "times:")
"""What may change when a step is refused: counters, signs of life, and what people asked for."""


class Desk:
    """A server with one job, and a worker in the test's own process."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.taker = Taker(redis)
        self.heir = Taker(redis).worker
        self.message = message("echo")
        self.id = enqueue(self.message, connection=redis).id
        self.fields = redis.hgetall(keys.job(self.id))
        self.clear()

    def clear(self) -> None:
        """Begin anew, as another holder."""
        for key in own_keys(self.redis):
            self.redis.unlink(key)
        self.leases = Taker(self.redis).leases
        self.lease = Lease(self.id, LIST, f"{self.leases.holder}-1", self.fields)
        self.parent = message("echo")
        self.lost_parent = message("echo")

    # --- bringing a job into a state --------------------------------------------------------------

    def bring(self, state: State, policy: str = "run") -> None:
        """Make a job that is in this state."""
        if state is State.gone:
            return
        if state is State.deferred:
            after = enqueue(self.parent, delay=3600, connection=self.redis)
            self.enqueue(depends_on=after, on_parent_failure=policy)
        else:
            self.enqueue(**({"delay": 3600} if state is State.scheduled else {}))
        if state not in {State.waiting, State.scheduled, State.deferred, State.canceled}:
            self.take()
        for name in WAYS.get(state, ()):
            self.prepare(name)
            self.act(name)
        assert self.state() is state

    def enqueue(self, **options: object) -> None:
        enqueue(self.message, connection=self.redis, **options)

    def take(self) -> None:
        step = self.leases.step(self.leases.next_number(), 1, (), TURNS)
        self.lease = step.leased[0] if step.leased else self.lease

    # --- steps ------------------------------------------------------------------------------------

    def prepare(self, name: str) -> None:
        """Make the surroundings in which a step can happen; the job itself stays as it is."""
        if name in BEFORE:
            BEFORE[name](self)

    def act(self, name: str) -> None:
        ACTS[name](self)

    # --- where it is ------------------------------------------------------------------------------

    def state(self) -> State:
        """The one state that all keys together say."""
        status = (self.redis.hget(keys.job(self.id), "status") or b"").decode()
        known = (status, tuple(sorted(self.places())))
        assert known in PLACES, f"no state: {known}"
        return PLACES[known]

    def places(self) -> list[str]:
        """Where its id stands, each place as often as it stands there."""
        found = ["list"] * self.redis.lrange(keys.queue(LIST), 0, -1).count(self.id.encode())
        sets = {"scheduled": keys.scheduled, "deferred": keys.deferred, "failed": keys.failed}
        sets |= {"finished": keys.finished, "canceled": keys.canceled}
        sets |= {"held": lambda name: keys.held(PAUSE, name)}
        found += [name for name, key in sets.items() if self.stands_in(key(LIST))]
        found += ["lease" for key in self.redis.keys(keys.leases("*")) if self.stands_in(key)]
        found += ["wip"] if self.stands_in(keys.started(LIST)) else []
        return found

    def stands_in(self, key: str | bytes) -> bool:
        members = [member.decode() for member in self.redis.zrange(key, 0, -1)]
        return any(member.split(":")[0] == self.id for member in members)

    def all_keys(self) -> Mapping[bytes, bytes]:
        volatile = tuple((keys.our_prefix() + name).encode() for name in VOLATILE)
        kept = (key for key in own_keys(self.redis) if not key.startswith(volatile))
        return {key: self.redis.dump(key) for key in kept}

    def refusals(self) -> int:
        """How many ends of runs were refused, as the counters of the day say."""
        found = [
            self.redis.hgetall(key) for key in self.redis.keys(f"{keys.our_prefix()}stats:d:*")
        ]
        return sum(
            int(count)
            for counters in found
            for name, count in counters.items()
            if re.search(rb"\|lease_lost\|n$", name)
        )

    # --- what the steps need ----------------------------------------------------------------------

    @property
    def job(self) -> Plain:
        found = plain(self.fields, LIST)
        assert found is not None
        return found

    @property
    def run(self) -> Run:
        return self.taker.messages.start(self.lease, self.job, Stop(), now=time.time())

    def commit(self, **changes: object) -> None:
        job = self.job
        changed = Plain(job.body, replace(job.terms, **changes), job.enqueued_at)
        done = ends.success(self.lease, self.run, changed, self.message, None)
        self.leases.step(self.leases.next_number(), 0, [done], ())

    def again(self, delay: float) -> None:
        record = self.run.ended("retried", ValueError("no"), delay=delay)
        self.leases.again(self.lease, ends.restart(self.run, delay, record, outcome="retried"))

    def bury(self) -> None:
        death = Death(self.id, LIST, reason="permanent", error="no", envelope=self.job.envelope())
        failed = ends.failure(self.lease, self.run, "TEST", "", self.job)
        ending = ends.ending(self.leases, "no", failed)
        bury_job(death, meta={}, now=utc_now(), connection=self.redis, ending=ending)

    def stop(self) -> None:
        end_stopped(self.leases, self.lease, self.run, self.job, self.taker.away)

    def cancel_leased(self) -> None:
        without_cancelled(self.leases, [self.lease])

    def stop_by_force(self) -> None:
        aftermath = RqAftermath(self.heir)
        found = self.heir.leases.take_over(self.leases.holder)
        for lease in found[1] if found else ():
            aftermath.stop(fresh(lease, self.redis))

    def admission(self) -> Admission:
        return replace(self.taker.admission, leases=self.leases)

    def release(self) -> None:
        if self.redis.exists(keys.job(self.parent.message_id)):
            parent = Job.fetch(self.parent.message_id, self.redis, serializer=JSONSerializer)
            Queue(LIST, self.redis, serializer=JSONSerializer).enqueue_dependents(parent)


WAYS: Mapping[State, tuple[str, ...]] = {
    State.running: ("show",),
    State.held: ("hold",),
    State.finished: ("commit",),
    State.failed: ("bury",),
    State.replayed: ("bury", "replay"),
    State.stopped: ("stop",),
    State.canceled: ("cancel",),
}
"""How a leased job comes into a state; a cancelled one was not leased."""

PLACES: Mapping[tuple[str, tuple[str, ...]], State] = {
    ("", ()): State.gone,
    ("queued", ("list",)): State.waiting,
    ("queued", ("lease", "wip")): State.leased,
    ("started", ("lease", "wip")): State.running,
    ("queued", ("held",)): State.held,
    ("scheduled", ("scheduled",)): State.scheduled,
    ("deferred", ("deferred",)): State.deferred,
    ("finished", ("finished",)): State.finished,
    ("failed", ("failed",)): State.failed,
    ("failed", ()): State.replayed,
    ("stopped", ()): State.replayed,
    ("stopped", ("failed",)): State.stopped,
    ("canceled", ("canceled",)): State.canceled,
}
"""RQ's status and the places in which a job stands. Any other mixture is no state at all."""


def _pause(desk: Desk) -> None:
    pauses.pause("type", "TEST", by=BY, connection=desk.redis)


def _is_due(desk: Desk) -> None:
    desk.redis.zadd(keys.scheduled(LIST), {desk.id: 1}, xx=True)


def _crashed_twice(desk: Desk) -> None:
    entry = attempts.AttemptRecord(
        number=1, outcome="crashed", error_type="crash", error="", worker="w", started_at=""
    )
    for _ in range(2):
        attempts.record(entry, job_id=desk.id, ttl=60, connection=desk.redis)


def _parent_waits(desk: Desk) -> None:
    enqueue(desk.parent, delay=3600, connection=desk.redis)


def _parent_is_done(desk: Desk) -> None:
    _parent_waits(desk)
    desk.redis.hset(keys.job(desk.parent.message_id), "status", "finished")


def _parent_is_lost(desk: Desk) -> None:
    lost = enqueue(desk.lost_parent, delay=3600, connection=desk.redis)
    operations.cancel(lost.id, by=BY, connection=desk.redis)


def _is_wished_away(desk: Desk) -> None:
    desk.redis.set(keys.cancel_wish(desk.id), "", px=60_000)


BEFORE: Mapping[str, Callable[[Desk], None]] = {
    "cancel_leased": _is_wished_away,
    "hold": _pause,
    "resume": _pause,
    "due": _is_due,
    "last_crash": _crashed_twice,
    "enqueue_after": _parent_waits,
    "enqueue_in_vain": _parent_is_lost,
    "released": _parent_is_done,
}


def _settle(desk: Desk) -> None:
    settle(desk.id, desk.parent.message_id, connection=desk.redis)


def _requeue(desk: Desk) -> None:
    registry = FailedJobRegistry(LIST, desk.redis, serializer=JSONSerializer)
    registry.requeue(desk.id)


def _replay(desk: Desk) -> None:
    dead_letters.replay(desk.id, by=BY, queue="elsewhere", connection=desk.redis)


ACTS: Mapping[str, Callable[[Desk], object]] = {
    "enqueue": lambda d: d.enqueue(),
    "enqueue_in": lambda d: d.enqueue(delay=3600),
    "enqueue_after": lambda d: d.enqueue(depends_on=d.parent.message_id),
    "enqueue_in_vain": lambda d: d.enqueue(
        depends_on=d.lost_parent.message_id, on_parent_failure="cancel"
    ),
    "lease": lambda d: d.take(),
    "show": lambda d: d.leases.show(d.lease, started=time.time(), ttl=90),
    "take_over": lambda d: d.heir.leases.take_over(d.leases.holder),
    "commit": lambda d: d.commit(),
    "commit_and_forget": lambda d: d.commit(result_ttl=0),
    "retry_now": lambda d: d.again(0),
    "retry_later": lambda d: d.again(60),
    "crash": lambda d: crashed(d.leases, d.lease, "killed"),
    "last_crash": lambda d: crashed(d.leases, d.lease, "killed"),
    "bury": lambda d: d.bury(),
    "expire": lambda d: d.admission().expire(d.lease, d.job.envelope(), {}),
    "hand_back": lambda d: d.leases.hand_back([d.lease]),
    "hold": lambda d: d.admission().is_held(d.lease, d.job.envelope(), frozenset({PAUSE})),
    "stop": lambda d: d.stop(),
    "stop_by_force": lambda d: d.stop_by_force(),
    "cancel_leased": lambda d: d.cancel_leased(),
    "resume": lambda d: pauses.resume("type", "TEST", by=BY, connection=d.redis),
    "due": lambda d: Due([LIST], d.redis).promote(),
    "promote": lambda d: operations.promote(d.id, by=BY, connection=d.redis),
    "released": lambda d: d.release(),
    "settle": _settle,
    "settle_cancel": _settle,
    "cancel": lambda d: operations.cancel(d.id, by=BY, connection=d.redis),
    "requeue": _requeue,
    "replay": _replay,
    "retry_job": lambda d: retry_job(d.id, by=BY, queue="elsewhere", connection=d.redis),
    "delete": lambda d: operations.delete(d.id, by=BY, connection=d.redis),
}
"""How each step of the table is tried, by the code that workers and people use."""
