"""Streams are trimmed, destroyed and poisoned while they are read."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from redis import Redis

from tests.drills.result import Result
from tests.drills.site import Site
from tests.drills.stream_results import judged, until
from tests.faults.fleet import WorkerProcess
from tests.faults.ledger import now
from tests.faults.stream_judge import judge
from tests.faults.stream_stage import NAMES, StreamStage, Task, some_tasks
from workers import dead_letters

BACK_SECONDS = 5.0
"""Within which a new message runs after its stream, its group or everything was destroyed."""


def stream_trim(site: Site, *, messages: int = 20_000, limit: int = 1_000) -> Result:
    """A full stream is trimmed under load while one of two groups stands still.

    Args:
        site: Where.
        messages: How many are published in all.
        limit: STREAM_LIMIT: entries of a stream at most.
    """
    with (
        site.streams(groups=("workers", "audit"), limit=limit) as here,
        here.client() as client,
    ):
        workers, audit = here.groups
        workers.fleet.start(2)
        audit.fleet.start(1)
        # A group is looked after from the moment it exists, so both see every stream first.
        here.publish([Task(stream=name) for name in NAMES], client)
        here.settle(site.patience)
        half = messages // 2
        _in_parts(here, half, client)
        here.settle(site.patience)
        sleeper = audit.fleet.workers[0]
        audit.fleet.signal(sleeper, "both", signal.SIGSTOP)
        room = [limit // 2] * len(NAMES)  # what is not done may fill half of each stream
        for stream, count in zip(NAMES, room, strict=True):
            here.publish([Task(stream=stream)] * count, client)
        unread = here.left(client, audit.name)
        is_full = [client.xlen(name) for name in NAMES]
        audit.fleet.signal(sleeper, "both", signal.SIGCONT)
        _in_parts(here, messages - half - sum(room) - len(NAMES), client)
        here.settle(site.patience)
        longest = max(int(client.xlen(name)) for name in NAMES)
        return judged(
            here,
            limits={"extra": 0, "died": 0, "over": 0},
            found={
                "over": max(0, max(longest, *is_full) - limit),
                "unfired": float(not unread or len(here.acked()) <= len(NAMES) * limit),
            },
            facts={"entries of the longest": longest},
        )


def _in_parts(here: StreamStage, count: int, client: Redis) -> None:
    for begin in range(0, count, 200):
        here.publish(some_tasks(here.chance, min(200, count - begin), 0.0), client)


def _flush(client: Redis) -> None:
    client.flushall()


def _destroy_group(client: Redis) -> None:
    for name in NAMES:
        client.xgroup_destroy(name, "workers")


def _delete(client: Redis) -> None:
    client.delete(*NAMES)


def _other_type(client: Redis) -> None:
    with client.pipeline() as pipe:
        for name in NAMES:
            pipe.delete(name)
            pipe.set(name, "no stream")
        pipe.execute()


HARMS: Mapping[str, Callable[[Redis], None]] = {
    "FLUSHALL": _flush,
    "XGROUP DESTROY": _destroy_group,
    "DEL": _delete,
    "another type": _other_type,
}
TOLD = ("stream_lost", "group_lost", "stream_read_again", "stream_displaced")
"""What the log of a worker says of one of them."""


def stream_harm(
    site: Site,
    *,
    rounds: int = 3,
    within: float = BACK_SECONDS,
    harms: Sequence[str] = tuple(HARMS),
) -> Result:
    """FLUSHALL, XGROUP DESTROY, DEL and keys of another type under load.

    Who publishes after it is handled within 5 s. What was destroyed is gone, and told.

    Args:
        site: Where.
        rounds: How often each happens.
        within: Seconds.
        harms: Which of them.
    """
    with site.streams() as here, here.client() as client:
        here.fleet.start(3)
        log = [_met(here, name, client, within) for _ in range(rounds) for name in harms]
        verdict = judge(here)
        untouched = {job for harm in log for job in harm.after}
        times = sorted(harm.seconds for harm in log)
        lost = [job for job in verdict.lost if job in untouched]
        counts = {**verdict.counts(), "lost": len(lost), "extra": 0}
        return Result(
            {
                **counts,
                "slow": sum(harm.seconds > within for harm in log),
                "untold": sum(not harm.is_told for harm in log),
                "died": here.fleet.died,
                "unfired": float(sum(harm.hit for harm in log) < 0.8 * len(log)),
            },
            {"slow": 0, "untold": 0, "died": 0},
            {
                "messages": len(here.acked()),
                "harms": len(log),
                "destroyed": len(verdict.lost),
                "back after": f"{times[0]:.1f}-{times[-1]:.1f} s",
            },
            {"lost": lost, "slow": [f"{harm.name} {harm.seconds:.1f}" for harm in log]},
        )


_TRIES = 5


@dataclass(frozen=True)
class _Harm:
    """What was done, what had been in somebody's hands, and how it went on."""

    name: str
    hit: bool
    seconds: float
    after: Sequence[str]
    destroyed: int
    is_told: bool


def _met(here: StreamStage, name: str, client: Redis, within: float) -> _Harm:
    """A harm that met something: one that came a moment too late is done again."""
    for _ in range(_TRIES):
        harm = _harmed(here, name, client, within)
        if harm.destroyed or harm.is_told:
            break
    return harm


def _harmed(here: StreamStage, name: str, client: Redis, within: float) -> _Harm:
    before, gone = _lines(here), _destroyed(here)
    # Two thirds of what three workers can do: it is not to be told how long a full queue takes.
    with here.publishing(pause=0.01, longest=0.02, each=2):
        hit = _has_work(here, client)
        HARMS[name](client)
        began = now()
        after = here.publish([Task(stream=stream) for stream in NAMES], client)
        is_back = until(lambda: here.group.ended() >= {*after}, within=2 * within)
        seconds = now() - began if is_back else float("inf")
    here.settle(30, lost=True)
    destroyed = _destroyed(here) - gone
    is_told = until(lambda: _lines(here) > before, within=within if destroyed else 0)
    return _Harm(name, hit, seconds, after, destroyed, is_told)


def _destroyed(here: StreamStage) -> int:
    return len({*here.acked()} - {*here.group.ended()})


def _lines(here: StreamStage) -> int:
    told = here.fleet.logs()
    return sum(told.count(event) for event in TOLD)


def _has_work(here: StreamStage, client: Redis) -> bool:
    """Whether something is in somebody's hands; waits 3 s for it."""
    return until(lambda: here.fleet.keep_up() or _pending(client), within=3)


def _pending(client: Redis) -> int:
    found = 0
    for name in NAMES:
        if client.type(name) == b"stream":
            found += sum(each["pending"] for each in client.xinfo_groups(name))
    return found


def stream_limit(site: Site, *, good: int = 40) -> Result:
    """A message whose consumers vanish with it, again and again, is buried; its neighbours run.

    Args:
        site: Where.
        good: How many neighbours it has.
    """
    with site.streams() as here, here.client() as client:
        here.fleet.start(2)
        (bad,) = here.publish([Task("endless C")], client)
        here.publish(some_tasks(here.chance, good, 0.01), client)
        kills = 0
        deadline = time.monotonic() + 15 * site.patience
        while not (letter := dead_letters.find(bad, connection=client)):
            running = _runs(here, bad)
            if running is not None:
                here.fleet.kill(running)
                kills += 1
            here.fleet.keep_up()
            time.sleep(0.05)
            if time.monotonic() > deadline:
                break
        here.settle(site.patience)
        starts = len(here.group.ledger.refresh().of(bad, "start"))
        reason = letter.reason if letter else "none"
        return judged(
            here,
            limits={"unburied": 0, "extra": kills, "died": 0},
            found={
                "unburied": float(reason != "delivery_limit"),
                "unfired": float(kills < _LEAST_KILLS),
            },
            facts={"kills": kills, "starts": starts, "reason": reason},
        )


_LEAST_KILLS = 2


def _runs(here: StreamStage, job: str) -> WorkerProcess | None:
    """The worker in which a message runs at this moment."""
    for worker in here.fleet.workers:
        pids = {process.pid for process in worker.tree()}
        if any(each.job_id == job for each in here.group.ledger.refresh().running(pids)):
            return worker
    return None
