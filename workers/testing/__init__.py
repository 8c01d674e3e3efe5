"""The test kit for applications: their messages and handlers run in memory, without a server.

Opt in with `pytest_plugins = ["workers.testing"]`, which gives tests the fixture `postroom`.
Needs pytest, fakeredis[lua] and time-machine, which no worker needs. There is nothing for pytest
to rewrite here: PYTEST_DONT_REWRITE keeps it from warning when a test imports this first.
"""

from collections.abc import Iterator

import pytest

from workers.testing.faults import WorkHorseDied
from workers.testing.kit import Postroom
from workers.testing.runner import EndlessWork
from workers.testing.runs import Run
from workers.testing.surroundings import in_memory

__all__ = ["EndlessWork", "Postroom", "Run", "WorkHorseDied", "in_memory", "postroom"]


@pytest.fixture
def postroom() -> Iterator[Postroom]:
    """A server in memory, a worker that runs when told to, and a clock that moves when told to."""
    with in_memory() as kit:
        yield kit
