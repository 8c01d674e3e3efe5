"""Workers of other kinds and with other clocks on the same queues."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from tests.drills.result import Result
from tests.drills.site import Site, judged
from tests.faults.fleet import MESSAGE, SIMPLE, STOCK
from tests.faults.nursery import SKEW
from tests.faults.stage import Stage, Wish

AHEAD_SECONDS = 600
FEWEST = 300
"""Runs that each kind of worker has to have in a mixed fleet of 6,000 jobs."""


class FaultMissing(Exception):
    """The machine cannot make this fault."""


def need_faketime() -> None:
    """Refuse to play a drill whose fault would not fire."""
    if shutil.which("faketime") is None:
        raise FaultMissing(
            "There is no `faketime` on PATH, so no clock can be wrong. "
            "Run `apt-get install faketime` (Debian, Ubuntu) or `brew install libfaketime` (macOS)."
        )


def clock(
    site: Site,
    *,
    jobs: int = 200,
    seconds: float = 3.0,
    with_faketime: bool = True,
) -> Result:
    """A worker, a stock worker and `rq info` have clocks 10 min ahead: nothing is stolen."""
    if with_faketime:
        need_faketime()
    with site.stage() as here:
        here.fleet.start(2)
        here.send_many([Wish(seconds=seconds)] * 4 + [Wish(seconds=0.05)] * jobs)
        wrong = Skew(here, with_faketime=with_faketime)
        with wrong.looking():
            wrong.start_workers(MESSAGE if site.side == "ours" else STOCK, STOCK)
            here.settle(site.patience)
        failed = [job for job, status in here.census().status.items() if status == "failed"]
        return judged(
            here,
            limits={"extra": 0, "failed": 0, "died": 0},
            found={"failed": len(failed), "unfired": float(wrong.looks < 3)},
            facts={"looks": wrong.looks},
        )


class Skew:
    """Processes whose clock is ahead: by faketime, or by time-machine within our process."""

    def __init__(self, here: Stage, *, with_faketime: bool) -> None:
        self.here = here
        self.with_faketime = with_faketime
        self.looks = 0

    def start_workers(self, *kinds: Sequence[str]) -> None:
        """Start one worker of each kind."""
        for words in kinds:
            if self.with_faketime:
                words = (*self._faketime(), *words)  # noqa: PLW2901
            self.here.fleet.start(words=words, environ=self._environ())

    @contextmanager
    def looking(self) -> Iterator[None]:
        """`rq info`, which cleans registries, in a loop."""
        over = Event()
        thread = Thread(target=self._look, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)

    def _look(self, over: Event) -> None:
        words = ("rq", "info", "-c", "worker_settings")
        if self.with_faketime:
            words = (*self._faketime(), *words)
        while not over.wait(0.1):
            log = self.here.folder / f"info-{self.looks}.log"
            self.here.fleet.run(words, self._environ(), log)
            self.looks += 1

    def _faketime(self) -> Sequence[str]:
        return ("faketime", "-f", f"+{AHEAD_SECONDS}s")

    def _environ(self) -> Mapping[str, str]:
        if self.with_faketime:
            return {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return {SKEW: str(AHEAD_SECONDS)}


def mixed(
    site: Site,
    *,
    jobs: int = 6_000,
    fewest: int = FEWEST,
) -> Result:
    """Stock's SimpleWorker and fork Worker and MessageWorker on one queue: each job runs once."""
    with site.stage() as here:
        kinds = {"simple": SIMPLE, "fork": STOCK, "message": MESSAGE}
        for words in kinds.values():
            here.fleet.start(words=words)
        started = zip(here.fleet.workers, kinds, strict=True)
        pids = {worker.process.pid: kind for worker, kind in started}
        if site.side == "stock":  # nobody of ours takes part, so one kind must be found idle
            here.fleet.kill(here.fleet.workers.pop())
        here.send_many([Wish(seconds=0.002) for _ in range(jobs)])
        here.settle(site.patience)
        ran = _runs_by_kind(here, pids)
        idle = [kind for kind in kinds if ran[kind] < fewest]
        return judged(
            here,
            limits={"extra": 0, "idle": 0, "died": 0},
            found={"idle": len(idle)},
            facts=dict(ran),
        )


def _runs_by_kind(here: Stage, pids: Mapping[int, str]) -> Counter[str]:
    """Handlers note their process and its parent: one of them is the worker that was started."""
    starts = [event for event in here.ledger.refresh().events if event.what == "start"]
    return Counter(pids.get(event.pid) or pids.get(event.parent, "?") for event in starts)
