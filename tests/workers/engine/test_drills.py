"""The short form of every drill: `python3 run drills` plays the long ones."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.drills.plan import DRILLS
from tests.drills.short import SEED, broken_of
from tests.faults.nursery import Nursery

pytestmark = pytest.mark.skipif(
    find_spec("workers.engine.child") is None, reason="RQ's own loop does not stand these"
)

GROUPS: Sequence[Sequence[str]] = (
    ("points", "away", "refused", "full"),
    ("corruption", "orphans", "freeze", "recovery", "clock"),
    ("kills", "pills", "restarts", "replies"),
)
"""Drills that are played at the same time: each has its own server, and mostly waits."""


def test_every_drill_with_a_short_form_is_played() -> None:
    played = sorted(name for group in GROUPS for name in group)

    assert played == sorted(
        name for name, drill in DRILLS.items() if drill.short and not name.startswith("stream-")
    )


@pytest.mark.slow("leases, pauses and recoveries have to pass for real; each is seconds")
@pytest.mark.parametrize("group", GROUPS, ids=", ".join)
def test_nothing_is_lost_run_too_often_or_left_over(
    group: Sequence[str], warm_nursery: Nursery, tmp_path: Path
) -> None:
    found = broken_of(group, warm_nursery, tmp_path)

    assert found == [], f"seed {SEED}:\n" + "\n".join(found)
