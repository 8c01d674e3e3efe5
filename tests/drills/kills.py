"""Processes are killed, frozen and orphaned while they work."""

import signal
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

import psutil

from tests.drills.result import Result
from tests.drills.site import Site, judged
from tests.faults.fleet import Fleet, Victim, WorkerProcess, lives
from tests.faults.holdings import all_held
from tests.faults.stage import Stage, Wish, now
from tests.processes import ask_until_true

VICTIMS: Sequence[Victim] = ("worker", "child", "both")
MUST_HIT = 0.8
"""The share of kills that have to hit a process with a lease in its hand."""
ORPHAN_SECONDS = 5.0


@dataclass(frozen=True)
class Kill:
    """Who was killed when, what ran there, and every job that anybody held a lease of."""

    victim: Victim
    at: float
    ran: Sequence[str]
    held: Collection[str]
    tree: Sequence[psutil.Process]

    @property
    def hit(self) -> bool:
        """Whether a job ran there, and was held."""
        return any(job in self.held for job in self.ran)

    def __str__(self) -> str:
        return f"{self.at:.3f} {self.victim} killed in {', '.join(self.ran) or 'no job'}"


def random_kills(  # noqa: PLR0913 - the parameters of an experiment
    site: Site,
    *,
    jobs: int = 20_000,
    kills: int = 200,
    queues: Sequence[str] = ("a", "b", "c"),
    longest: float = 0.025,
    aim: float = 0.9,
    within: float = ORPHAN_SECONDS,
) -> Result:
    """kill -9 of a worker, its child or both, at random times, under load.

    Nine of ten wait until the victim is in the middle of a job, the rest come at any time; jobs
    that last no time cannot be met.

    Args:
        site: Where.
        jobs: How many there are at the beginning.
        kills: How many.
        queues: What the workers serve.
        longest: Seconds that a job takes at most.
        aim: The share of kills that wait.
        within: Seconds after which no process of a killed worker may live.
    """
    with site.stage(queues=queues) as here:
        here.send_many([_short_job(here.queues, longest, here.chance) for _ in range(jobs)])
        here.fleet.start(3)
        with here.producing(
            partial(_short_job, here.queues, longest), pause=0.02
        ):  # there is always one
            log = [kill_one(here, aim=aim * bool(longest)) for _ in range(kills)]
        here.settle(site.patience)
        result = judged(
            here,
            limits={"stolen": 0, "orphans": 0, "died": 0},
            found={"orphans": len(_orphans(log, within)), "unfired": float(_missed(log))},
            facts=_told(here, log),
        )
        held = {job for kill in log for job in kill.held}
        stolen = [job for job in result.examples["extra"] if job not in held]
        return result.with_count("stolen", len(stolen))


def _short_job(queues: Sequence[str], longest: float, chance: Random) -> Wish:
    return Wish(seconds=chance.uniform(0, longest), queue=chance.choice(queues))


def _told(here: Stage, log: Sequence[Kill]) -> Mapping[str, object]:
    """The numbers, and the file that has the job of each kill."""
    file = here.folder / "kills.log"
    file.write_text("".join(f"{kill}\n" for kill in log))
    return {"kills": len(log), "hit": sum(kill.hit for kill in log), "log": file}


def _missed(log: Sequence[Kill]) -> bool:
    return sum(kill.hit for kill in log) < MUST_HIT * len(log)


def kill_one(here: Stage, victim: Victim | None = None, *, aim: float = 1.0) -> Kill:
    """Kill a random worker, with this probability in the middle of a job."""
    time.sleep(here.chance.uniform(0.05, 0.4))
    here.fleet.keep_up()
    victim = victim or here.chance.choice(VICTIMS)
    worker, ran = _caught(here, patience=3.0 if here.chance.random() < aim else 0.0)
    tree = worker.tree()
    held = all_held(here)
    if here.fleet.kill(worker, victim) == []:  # no child at this moment
        here.fleet.kill(worker, "worker")
    here.fleet.signal(worker, "both", signal.SIGCONT)
    return Kill(victim, now(), ran, held, tree)


def _caught(here: Stage, patience: float) -> tuple[WorkerProcess, list[str]]:
    """Stop a worker that is in the middle of a job; after some seconds, one that is not."""
    deadline = time.monotonic() + patience
    while True:
        worker = here.chance.choice(here.fleet.workers)
        here.fleet.signal(worker, "both", signal.SIGSTOP)
        pids = {process.pid for process in worker.tree()}
        ran = [event.job_id for event in here.ledger.refresh().running(pids)]
        is_held = bool(ran) and not all_held(here).isdisjoint(ran)
        if is_held or time.monotonic() > deadline:
            return worker, ran
        here.fleet.signal(worker, "both", signal.SIGCONT)
        time.sleep(here.chance.uniform(0.001, 0.02))
        here.fleet.keep_up()


def _orphans(log: Sequence[Kill], within: float = ORPHAN_SECONDS) -> list[psutil.Process]:
    """Processes whose worker was killed and that live when they should not any more."""
    if log:
        time.sleep(max(0.0, log[-1].at + within - now()))
    return [p for kill in log if kill.victim != "child" for p in kill.tree[1:] if lives(p)]


def orphans(
    site: Site, *, rounds: int = 10, lasting: float = 8.0, within: float = ORPHAN_SECONDS
) -> Result:
    """kill -9 of the worker alone: its child must not go on."""
    with site.stage() as here:
        here.fleet.start(2)
        log = []
        for _ in range(rounds):
            here.send_many([Wish(seconds=lasting)])
            log.append(kill_one(here, "worker"))
        left = _orphans(log, within)
        here.settle(site.patience)
        return judged(
            here,
            limits={"orphans": 0, "extra": rounds * 2},
            found={"orphans": len(left), "unfired": float(_missed(log))},
            facts=_told(here, log),
        )


def recovery(
    site: Site,
    *,
    rounds: int = 3,
    limit: float = 20.0,
    lasting: float = 2.0,
) -> Result:
    """kill -9 of worker and child: how long until another worker has the job, idle or busy."""
    with site.stage() as here:
        here.fleet.start(3)
        idle = [_recovered_after(here, limit, lasting) for _ in range(rounds)]
        with here.producing(lambda _: Wish(seconds=0.02), pause=0.05):
            busy = [_recovered_after(here, limit, lasting) for _ in range(rounds)]
        here.settle(site.patience)
        late = [seconds for seconds in (*idle, *busy) if seconds > limit]
        return judged(
            here,
            limits={"slow": 0, "extra": rounds * 4, "died": 0},
            found={"slow": len(late)},
            facts={"idle": _seconds(idle), "busy": _seconds(busy)},
        )


def _recovered_after(here: Stage, limit: float, lasting: float) -> float:
    """Seconds between the kill and the second start; infinite if none comes."""
    [job] = here.send_many([Wish(seconds=lasting)])
    ask_until_true(lambda: here.started(job), within=30)
    here.fleet.kill(holder_of(here.fleet, here.ledger.of(job, "start")[0].pid))
    killed = now()
    here.fleet.keep_up()
    try:
        again = lambda: here.ledger.refresh().of(job, "start")[1:]  # noqa: E731
        return ask_until_true(again, within=limit + 2)[0].at - killed
    except AssertionError:
        return float("inf")


def holder_of(fleet: Fleet, pid: int) -> WorkerProcess:
    """The worker in whose tree a process is."""
    return next(w for w in fleet.workers if pid in {process.pid for process in w.tree()})


def _seconds(values: Sequence[float]) -> str:
    return "/".join(f"{value:.1f}" for value in values)


def freeze(
    site: Site,
    *,
    seconds: float = 30.0,
    each: int = 2,
) -> Result:
    """SIGSTOP for longer than a lease, then SIGCONT: the late finisher is refused and counted."""
    with site.stage() as here:
        here.fleet.start(3 * each)
        # A child whose worker is frozen works on; a job that outlives its lease needs the time.
        lasting = [Wish(seconds=seconds * 0.9)] * each + [Wish(seconds=1.0)] * (2 * each)
        victims = sorted(VICTIMS * each, reverse=True)  # the lasting ones for the workers
        frozen = [_frozen(here, *pair) for pair in zip(lasting, victims, strict=True)]
        here.fleet.start(2)
        stopped = sum(process.status() == psutil.STATUS_STOPPED for _, p in frozen for process in p)
        time.sleep(seconds)
        for worker in here.fleet.workers:
            here.fleet.signal(worker, "both", signal.SIGCONT)
        jobs = [job for job, _ in frozen]
        here.settle(60)
        time.sleep(min(3.0, seconds / 2))  # the late finishers come to their end
        refused = here.fleet.logs().count("lease_lost")
        late = sum(len(here.ledger.refresh().of(job, "end")) - 1 for job in jobs)
        return judged(
            here,
            limits={"extra": 2 * each, "unrefused": 0, "died": 0},
            found={"unrefused": max(0, late - refused), "unfired": float(stopped < len(frozen))},
            facts={"frozen": len(frozen), "late": late, "refused": refused},
        )


def _frozen(here: Stage, wish: Wish, victim: Victim) -> tuple[str, list[psutil.Process]]:
    [job] = here.send_many([wish])
    ask_until_true(lambda: here.started(job), within=30)
    worker = holder_of(here.fleet, here.ledger.of(job, "start")[0].pid)
    return job, here.fleet.signal(worker, victim, signal.SIGSTOP)
