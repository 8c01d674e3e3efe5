"""Where drills are played: a folder, a nursery and a seed; and how a drill's result is made."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

from tests.drills.result import Result
from tests.faults.fleet import Pace
from tests.faults.nursery import Nursery
from tests.faults.stage import Side, Stage, stage
from tests.faults.stream_stage import StreamStage, stream_stage

DEFAULT = Pace()
QUICK = Pace(lease=1.5, heartbeat=0.4, reap=0.2)
"""The clocks of the short forms."""

_stages = count(1)


@dataclass(frozen=True)
class Site:
    """What every drill is given.

    Args:
        folder: For files.
        nursery: Starts workers.
        seed: Of all chance.
        side: Whose workers.
        pace: The engine's clocks.
        patience: Seconds after the fault within which every job has to end.
        program: The server's; None means the one that is found.
    """

    folder: Path
    nursery: Nursery
    seed: int = 0
    side: Side = "ours"
    pace: Pace = DEFAULT
    patience: float = 300.0
    program: Path | None = None

    @property
    def chance(self) -> Random:
        """Chance that depends on the seed only."""
        return Random(self.seed)

    @contextmanager
    def stage(self, *, queues: Sequence[str] = ("a",), proxied: bool = False) -> Iterator[Stage]:
        """A world for one drill; see `tests.faults.stage.stage`."""
        with stage(
            self._folder(),
            self.nursery,
            side=self.side,
            queues=queues,
            pace=self.pace,
            seed=self.seed,
            proxied=proxied,
            program=self.program,
        ) as here:
            yield here

    @contextmanager
    def streams(
        self,
        *,
        groups: Sequence[str] = ("workers",),
        limit: int = 1_000_000,
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[StreamStage]:
        """A world for one drill of streams; see `tests.faults.stream_stage.stream_stage`."""
        with stream_stage(
            self._folder(),
            self.nursery,
            pace=self.pace,
            seed=self.seed,
            program=self.program,
            groups=groups,
            limit=limit,
            environ=environ,
        ) as here:
            yield here

    def _folder(self) -> Path:
        folder = self.folder / f"stage-{next(_stages)}"
        folder.mkdir(parents=True)
        return folder


def judged(
    here: Stage,
    *,
    limits: Mapping[str, float],
    found: Mapping[str, float] | None = None,
    facts: Mapping[str, object] | None = None,
) -> Result:
    """End the workers and judge.

    Args:
        here: Where the drill took place.
        limits: Beside those that hold for every drill.
        found: What the drill itself has counted.
        facts: What else a reader wants to know.
    """
    verdict = here.judge()
    facts = {"jobs": len(here.ledger.ids("acked")), **(facts or {})}
    examples = {name: list(map(str, jobs)) for name, jobs in vars(verdict).items()}
    counts = {**verdict.counts(), "died": here.fleet.died, **(found or {})}
    return Result(counts, limits, facts, examples)
