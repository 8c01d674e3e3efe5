"""Judges a drill: what the ledgers say happened, against what Redis says in the end."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tests.faults.behaviours import PLANNED_STARTS
from tests.faults.census import Census
from tests.faults.ledger import Ledger


@dataclass(frozen=True)
class Verdict:
    """What was found, with the job behind each finding.

    Args:
        lost: Acknowledged, without an outcome, and where nobody looks; or booked as finished
            although its handler never came to its end.
        phantom: Seen by a handler or in Redis, and never sent.
        extra: A start more than was planned; a job counts as often as it has such starts.
        split: Two accepted outcomes.
        stuck: Without an outcome when the drill was over, although somebody should have looked.
        residue: Keys and entries that no live job explains, in words.
    """

    lost: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, float]:
        """Each name with its number."""
        return {name: len(found) for name, found in vars(self).items()}


def check(ledger: Ledger, census: Census, *, spoiled: Collection[str] = ()) -> Verdict:
    """Compare.

    Args:
        ledger: All events, those of producers and of outcomes included.
        census: Redis, after the workers have ended.
        spoiled: Jobs whose record the drill itself has damaged: they only have to end somewhere.
    """
    ledger.refresh()
    attempted, acked = ledger.ids("attempted"), ledger.ids("acked")
    sound = acked - set(spoiled)
    open_ = {job for job in acked if not census.ended(job) and not _is_announced(ledger, job)}
    hollow = {job for job in sound if _is_hollow(ledger, census, job)}
    gone = {job for job in open_ if not census.waits(job)}
    seen = set(census.status) | ledger.ids("start")
    return Verdict(
        lost=sorted(gone | hollow),
        phantom=sorted(seen - attempted),
        extra=sorted(_extra_starts(ledger, sound).elements()),
        split=sorted(job for job in sound if _outcomes(ledger, census, job) > 1),
        stuck=sorted(open_ - gone),
        residue=[] if spoiled else list(census.residue),
    )


def _is_announced(ledger: Ledger, job_id: str) -> bool:
    return bool(ledger.of(job_id, "finished") or ledger.of(job_id, "failed"))


def _is_hollow(ledger: Ledger, census: Census, job_id: str) -> bool:
    return census.status.get(job_id) == "finished" and not ledger.of(job_id, "end")


def _extra_starts(ledger: Ledger, jobs: Collection[str]) -> Counter[str]:
    extra: Counter[str] = Counter()
    for job in jobs:
        starts = ledger.of(job, "start")
        planned = PLANNED_STARTS.get(starts[0].kind, 1) if starts else 0
        extra[job] = max(0, len(starts) - planned)
    return extra


def _outcomes(ledger: Ledger, census: Census, job_id: str) -> int:
    announced = len(ledger.of(job_id, "finished")) + len(ledger.of(job_id, "failed"))
    in_both = int(census.status.get(job_id) == "finished" and job_id in census.letters)
    return max(announced, census.final.get(job_id, 0), 1 + in_both)


def row(name: str, found: Mapping[str, float]) -> str:
    """One line of the table."""
    return f"{name:12} " + "  ".join(f"{key} {value:g}" for key, value in found.items())
