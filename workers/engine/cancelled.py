"""Jobs that somebody cancels while they wait in the hands of a worker; see `workers.cancelling`.

Only the child knows what it has not begun, so it takes them out itself, under their tokens.
"""

from collections.abc import Sequence
from typing import Any

from workers import keys
from workers.engine.leases import Leases
from workers.engine.step import Lease
from workers.logger import get_logger
from workers.scripts import script

log = get_logger("postroom.worker")


def asked_for(leases: Leases, rest: Sequence[Lease]) -> Sequence[Lease]:
    """Those that somebody wants to cancel.

    Args:
        leases: Whose jobs they are.
        rest: Jobs that were not started.
    """
    if not rest:
        return ()
    wishes: Any = leases.connection.mget([keys.cancel_wish(each.job_id) for each in rest])
    return [each for each, wish in zip(rest, wishes, strict=True) if wish is not None]


def without_cancelled(leases: Leases, rest: Sequence[Lease]) -> Sequence[Lease]:
    """Cancel those of which somebody wants it. Safe to repeat.

    Args:
        leases: Whose jobs they are.
        rest: Jobs that were not started, and are not while this lasts.

    Returns:
        Those that may start: neither cancelled, nor another worker's by now.
    """
    parts = [part for each in rest for part in (each.job_id, each.execution, each.list_name)]
    text = script("workers", "ending") + script("workers.engine", "cancel_leased")
    may_start: Any = leases.connection.register_script(text)(
        args=[keys.rq_prefix(), keys.our_prefix(), leases.holder, *parts]
    )
    for each, may in zip(rest, may_start, strict=True):
        if not may:
            log.info("job_cancelled", job_id=each.job_id)
    return [each for each, may in zip(rest, may_start, strict=True) if may]
