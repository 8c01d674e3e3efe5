"""Crash-point enumeration: kill -9 before and after every Redis command of every life cycle.

The points are taken from a recorded run. `points.json` holds how many there were at least; fewer
mean that a life cycle is not played any more, or that commands are not seen.
"""

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.drills.result import Result
from tests.drills.site import QUICK, Site, judged
from tests.faults.fleet import Victim
from tests.faults.holdings import all_held
from tests.faults.proxy import Command, Rule, When, numbered
from tests.faults.stage import Stage, Wish, now
from tests.processes import ask_until_true

KNOWN = Path(__file__).with_name("points.json")
THREE = ("a", "b", "c")

_WHEN: Sequence[When] = ("before", "after")
_VICTIMS: Sequence[Victim] = ("both", "child")
_NO_STATE = {"HELLO", "CLIENT", "PING", "AUTH", "SELECT", "INFO"}
_QUIET_AFTER = 0.7  # seconds after which an idle worker has sent whatever it sends by a timer
_OF_A_TIMER = 2  # of a command that an idle worker sends as well, the first ones are enough
_RECOVERY = 8.0  # seconds beside the lease: 5 by promise, and the pauses that cycles have


@dataclass(frozen=True)
class Cycle:
    """A way through a job's life.

    Args:
        wishes: What is sent; the queue is filled in.
        extra: Starts beyond the plan that the cycle itself causes.
        is_reaped: Whether another worker dies first, with the jobs in its hands.
        is_batch: Whether the jobs are to be leased together.
        environ: Variables of its worker.
    """

    wishes: Sequence[Wish]
    extra: int = 0
    is_reaped: bool = False
    is_batch: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


CYCLES: Mapping[str, Cycle] = {
    "succeed": Cycle([Wish()]),
    "answer": Cycle([Wish("answer")]),
    "fail": Cycle([Wish("down", attempts=1)]),
    "bury": Cycle([Wish("impossible")]),
    "retry now": Cycle([Wish("blip once")]),
    "retry later": Cycle([Wish("down once")]),
    "hand back": Cycle([Wish(seconds=0.4), Wish(), Wish()], is_batch=True),
    # Two batches are in its hands: one that is not committed, and one that runs.
    "ahead": Cycle([Wish()] * 6, extra=3, is_batch=True, environ={"BATCH_JOBS": "2"}),
    "promote": Cycle([Wish(delay=1.0)]),
    "reap": Cycle([Wish(seconds=2.5)], extra=1, is_reaped=True),
}


@dataclass(frozen=True)
class Point:
    """Where to kill: before or after the n-th command of a name, in a cycle on some queues."""

    cycle: str
    queues: Sequence[str]
    name: str
    nth: int
    when: When
    victim: Victim

    def __str__(self) -> str:
        place = f"{self.when} {self.name} #{self.nth}"
        return f"{self.cycle}, {len(self.queues)} queues, {self.victim} {place}"


def points(
    site: Site,
    *,
    cycles: Sequence[str] = tuple(CYCLES),
    queues: Sequence[Sequence[str]] = (("a",), THREE),
    at_once: int = 6,
    sample: int | None = None,
) -> Result:
    """Kill at every point; each job has one outcome and at most one extra start.

    Args:
        site: Where.
        cycles: Which.
        queues: What the workers serve.
        at_once: Runs at the same time; each mostly waits.
        sample: Only so many points, taken at random.
    """
    site = replace(site, pace=QUICK)  # so that hundreds of runs take minutes
    kinds = [(cycle, served) for cycle in cycles for served in queues]
    with ThreadPoolExecutor(at_once) as pool:
        recorded = list(pool.map(lambda kind: _recorded(site, *kind), kinds))
        every = [point for found in recorded for point in found]
        chosen = site.chance.sample(every, min(sample or len(every), len(every)))
        results = list(pool.map(lambda point: _played(site, point), chosen))
    counted = {_title(*kind): len(found) for kind, found in zip(kinds, recorded, strict=True)}
    return _summed(chosen, results, counted)


def _title(cycle: str, queues: Sequence[str]) -> str:
    return f"{cycle}/{len(queues)}"


def _summed(
    chosen: Sequence[Point], results: Sequence[Result], counted: Mapping[str, int]
) -> Result:
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for point, result in zip(chosen, results, strict=True):
        counts.update(dict.fromkeys(result.broken(), 1))
        for name in result.broken():
            examples.setdefault(name, []).append(f"{point}: {result.words().splitlines()[0]}")
    known: Mapping[str, int] = json.loads(KNOWN.read_text())
    fewer = [
        f"{title}: {n} of {known[title]}" for title, n in counted.items() if n < known.get(title, 0)
    ]
    facts = {"points": len(chosen), "of": sum(counted.values()), "cycles": counted}
    limits = {"extra": 0, "stolen": 0, "slow": 0, "fewer": 0, "died": 0}
    return Result({**counts, "fewer": len(fewer)}, limits, facts, {**examples, "fewer": fewer})


def _recorded(site: Site, cycle: str, queues: Sequence[str]) -> list[Point]:
    """The points of one run without a fault."""
    with site.stage(queues=queues, proxied=True) as here:
        assert here.proxy is not None
        _prepare(here, CYCLES[cycle])
        here.proxy.record.clear()
        time.sleep(_QUIET_AFTER)
        idle = {command.name for command in here.proxy.record}
        here.proxy.record.clear()
        _begin(here, CYCLES[cycle])
        left = here.settle(20)
        assert not left, f"{cycle} does not come to its end without any fault"
        seen = [command for command in here.proxy.record if command.name not in _NO_STATE]
        return [
            Point(cycle, queues, name, nth, when, victim)
            for name, nth in numbered(seen)
            if name not in idle or nth <= _OF_A_TIMER
            for when in _WHEN
            for victim in _VICTIMS
        ]


def _played(site: Site, point: Point) -> Result:
    """One run with its kill, judged."""
    cycle = CYCLES[point.cycle]
    with site.stage(queues=point.queues, proxied=True) as here:
        assert here.proxy is not None
        _prepare(here, cycle)
        leased: list[str] = []
        rule = Rule(_is(point.name), point.nth, point.when, act=_killer(here, point.victim, leased))
        here.proxy.rules = [rule]
        _begin(here, cycle)
        rule.fired.wait(here.pace.lease + _RECOVERY)
        killed = now()
        left = here.settle(here.pace.lease + _RECOVERY + 5)
        seconds = now() - killed
        result = judged(
            here,
            limits={"extra": cycle.extra + 1, "stolen": 0, "slow": here.pace.lease + _RECOVERY},
            found={"slow": float("inf") if left else seconds, "unfired": not rule.fired.is_set()},
        )
        stolen = [job for job in result.examples["extra"] if job not in leased]
        return result.with_count("stolen", 0 if cycle.is_reaped else len(stolen))


def _is(name: str) -> Callable[[Command], bool]:
    return lambda command: command.name == name


def _killer(here: Stage, victim: Victim, leased: list[str]) -> Callable[[Command], None]:
    """Kills while the worker waits for an answer that will never come."""

    def _kill(_: Command) -> None:
        leased.extend(all_held(here))
        for worker in list(here.fleet.workers):
            if not here.fleet.kill(worker, victim):  # no child yet, or none any more
                here.fleet.kill(worker)

    return _kill


def _prepare(here: Stage, cycle: Cycle) -> None:
    """An idle worker behind the proxy; for a reaper, another one that will die at its work."""
    if cycle.is_reaped:
        here.fleet.start(environ={"REDIS_URL": here.server.url})
        jobs = _send(here, cycle)
        ask_until_true(lambda: all(map(here.started, jobs)), within=10)
    here.fleet.start(environ=cycle.environ)
    if cycle.is_batch:  # a worker leases several at once when it has seen that they are quick
        assert not here.settle(10, ids=here.send_many([Wish(queue=here.queues[0])] * 20))
    time.sleep(_QUIET_AFTER)


def _begin(here: Stage, cycle: Cycle) -> None:
    if cycle.is_reaped:
        here.fleet.kill(here.fleet.workers.pop(0))
        return
    worker = here.fleet.workers[0]
    here.fleet.signal(worker, "both", signal.SIGSTOP)  # so that it finds all jobs at once
    _send(here, cycle)
    here.fleet.signal(worker, "both", signal.SIGCONT)


def _send(here: Stage, cycle: Cycle) -> list[str]:
    queue = here.queues[len(here.queues) // 2]
    return here.send_many([wish.on(queue) for wish in cycle.wishes])


def popped(site: Site) -> Result:
    """The canary: a stock worker on two queues is killed when it has popped a job."""
    with site.stage(queues=("a", "b"), proxied=True) as here:
        assert here.proxy is not None
        rule = Rule(_is("BLPOP"), act=_killer(here, "both", []))
        here.proxy.rules = [rule]
        here.fleet.start(ready=False)
        ask_until_true(lambda: rule.seen, within=20)
        here.send_many([Wish()])
        fired = rule.fired.wait(10)
        here.settle(10)
        return judged(here, limits={}, found={"unfired": float(not fired)})
