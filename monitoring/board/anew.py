"""The data of a message that was sent, for one that is written anew. Only reads."""

from collections.abc import Mapping
from typing import Any

import redis

from messages.masking import MASK, masked
from monitoring.jobs.payloads import payload_of
from workers.connection import storage_errors


def data_like(job_id: str, kind: str, *, connection: redis.Redis) -> Any:
    """What a job carries, without what is secret.

    Args:
        job_id: The job; empty for none.
        kind: The message type that it must be of.
        connection: Where; up to two round trips.

    Returns:
        Its data; None if nothing is kept of it, or if it is of another type.
    """
    if not job_id:
        return None
    with storage_errors():
        found = payload_of(job_id, connection=connection)
    if not isinstance(found, Mapping) or found.get("messageType") != kind:
        return None
    return without_masks(masked(found).get("data"))


def without_masks(values: Any) -> Any:
    """Data to fill a form with: what is hidden is left out, so that no mask is sent.

    Args:
        values: The data as it is shown.
    """
    if not isinstance(values, Mapping):
        return values
    return {name: without_masks(each) for name, each in values.items() if not _hides(each)}


def _hides(value: Any) -> bool:
    return value == MASK or (isinstance(value, list) and any(map(_hides, value)))
