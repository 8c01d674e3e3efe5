"""How the results of drills of streams are made."""

import time
from collections.abc import Callable, Mapping

from tests.drills.result import Result
from tests.faults.stream_judge import judge
from tests.faults.stream_stage import StreamStage


def judged(
    here: StreamStage,
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
    verdict = judge(here)
    facts = {"messages": len(here.acked()), **(facts or {})}
    examples = {name: list(map(str, those)) for name, those in vars(verdict).items()}
    died = sum(group.fleet.died for group in here.groups)
    return Result({**verdict.counts(), "died": died, **(found or {})}, limits, facts, examples)


def until(answer: Callable[[], object], within: float) -> bool:
    """Ask until the answer is true or time is up.

    Args:
        answer: The question.
        within: Seconds.

    Returns:
        Whether it was true.
    """
    deadline = time.monotonic() + within
    while not (fired := answer()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(fired)
