"""Jobs that harm the process they run in, among good ones."""

from collections.abc import Sequence

from tests.drills.result import Result
from tests.drills.site import Site, judged
from tests.faults.behaviours import DEADLY, ENDLESS
from tests.faults.stage import Stage, Wish, now

TIMEOUT = 2.0
ENFORCED_WITHIN = 5.0
"""Seconds after its timeout at which a job has to be over."""
_SLACK = 1.0  # of a machine with two cores and other work to do


def pills(
    site: Site,
    *,
    kinds: Sequence[str] = (*DEADLY, *ENDLESS),
    each: int = 3,
    good: int = 300,
) -> Result:
    """Pills among good jobs: the good ones all run, the pills become dead letters after three."""
    with site.stage() as here:
        wishes = [Wish(kind, timeout=_timeout(kind)) for kind in kinds] * each
        wishes += [Wish(seconds=0.005)] * good
        here.chance.shuffle(wishes)
        sent = dict(zip(here.send_many(wishes), wishes, strict=True))
        here.fleet.start(2)
        late: set[tuple[str, float]] = set()
        here.settle(site.patience, each=lambda: late.update(_overdue(here)))
        bad = [job for job, wish in sent.items() if wish.kind in kinds]
        found = here.census()
        alive = [job for job in bad if job not in found.letters]
        undone = [job for job in sent.keys() - bad if found.status.get(job) != "finished"]
        swallowed = [job for job in bad if not here.ledger.of(job, "start")]
        return judged(
            here,
            limits={"undone": 0, "late": 0, "unburied": 0, "died": 0, "extra": 2 * len(bad)},
            found={
                "undone": len(undone),
                "late": len(late),
                "unburied": len(alive) if site.side == "ours" else 0,
                "unfired": len(swallowed),
            },
            facts={"pills": len(bad), "starts": _starts(here, bad)},
        )


def _timeout(kind: str) -> float:
    return TIMEOUT if kind in ENDLESS else 180.0


def _overdue(here: Stage) -> set[tuple[str, float]]:
    pids = {process.pid for worker in here.fleet.workers for process in worker.tree()}
    running = [event for event in here.ledger.refresh().running(pids) if event.kind in ENDLESS]
    longest = TIMEOUT + ENFORCED_WITHIN + _SLACK
    return {(event.job_id, event.at) for event in running if now() - event.at > longest}


def _starts(here: Stage, bad: Sequence[str]) -> str:
    kinds = {here.ledger.of(job, "attempted")[0].kind: job for job in bad}
    return " ".join(f"{k}:{len(here.ledger.of(job, 'start'))}" for k, job in kinds.items())
