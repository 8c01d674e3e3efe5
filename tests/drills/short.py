"""Plays short forms of drills at the same time: each has its own server, and mostly waits."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.drills.plan import DRILLS
from tests.drills.site import Site
from tests.faults.nursery import Nursery

SEED = 20_261_122


def broken_of(names: Sequence[str], nursery: Nursery, folder: Path) -> list[str]:
    """Play the short forms.

    Args:
        names: Which.
        nursery: Starts their workers.
        folder: For their files.

    Returns:
        What each has found that is over its limit, in words.
    """

    def broken(name: str) -> str:
        result = DRILLS[name].quick(Site(folder / name, nursery, SEED))
        return f"{name}: {result.broken()}, {result.words()}" if result.broken() else ""

    with ThreadPoolExecutor(len(names)) as pool:
        return [words for words in pool.map(broken, names) if words]
