"""A step of one list, and the runs that it is told, without a child around it."""

import json

from workers.engine.groups import SEPARATOR
from workers.engine.leases import Leases
from workers.engine.order import Turn
from workers.engine.step import Lease, Step

LIST = "default"
_TURNS = (Turn(LIST, 1_000),)


def step(leases: Leases, wanted: int, *runs: bytes, number: str | None = None) -> Step:
    """Commit runs and lease the next jobs; `number` repeats a step."""
    return leases.step(number or leases.next_number(), wanted, runs, _TURNS)


def run_of(lease: Lease, result: str = '""') -> bytes:
    """A run of a leased job that succeeded, as a child writes it."""
    common = [lease.execution, lease.list_name, 500, "", -1, f"{LIST}|TEST", ""]
    times = '"2026-01-15T12:00:00.000000Z","2026-01-15T12:00:01.000000Z"'
    own = f'["{lease.job_id}",{times},{result},5,7]'
    return json.dumps(common).encode() + SEPARATOR + own.encode()
