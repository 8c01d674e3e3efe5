"""Hits as lists show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.answers import as_text, as_time, shown_times
from monitoring.packing import hash_fields
from monitoring.queues.stats import message_type_of
from monitoring.search.places import active_ids
from monitoring.search.states import state_of
from monitoring.search.trips import Trips
from workers import keys
from workers.clock import shown_text
from workers.routing import queue_of

JsonDict = dict[str, Any]

_TIMES = {
    "created_at": "createdAt",
    "enqueued_at": "enqueuedAt",
    "started_at": "startedAt",
    "ended_at": "endedAt",
}
_FIELDS = ("status", "description", "origin", "held", "replayed_as", *_TIMES)


@dataclass(frozen=True)
class Hit:
    """A job that was found.

    Args:
        job_id: Its id.
        state: Its state, if that is known from where it stands.
        letter: The short form of its dead letter, if its record is gone.
    """

    job_id: str
    state: str | None = None
    letter: Mapping[str, Any] | None = None


def rows_of(hits: Sequence[Hit], trips: Trips) -> list[JsonDict]:
    """Read what is shown of hits, in up to two round trips.

    Args:
        hits: In their order.
        trips: Asks.

    Returns:
        As `get_jobs` shows them; those whose record has gone meanwhile are left out.
    """
    read = [hit for hit in hits if hit.letter is None]
    asked = hash_fields(keys.job_prefix(), [hit.job_id for hit in read], _FIELDS)
    records = {
        hit.job_id: dict(zip(_FIELDS, values, strict=True))
        for hit, values in zip(read, trips.ask(asked), strict=True)
        if values and values[0] is not None
    }
    waiting = {
        queue_of(as_text(records[hit.job_id]["origin"] or b""))
        for hit in read
        if hit.state is None and hit.job_id in records
        if records[hit.job_id]["status"] in {b"queued", b"started"}
    }
    active = active_ids(sorted(waiting), trips)
    return [
        _of_letter(hit.job_id, hit.letter)
        if hit.letter is not None
        else _shown(hit, records[hit.job_id], active)
        for hit in hits
        if hit.letter is not None or hit.job_id in records
    ]


def _shown(hit: Hit, record: Mapping[str, bytes | None], active: frozenset[str]) -> JsonDict:
    times = {shown: as_time(record[name]) for name, shown in _TIMES.items()}
    return {
        "jobId": hit.job_id,
        "messageType": message_type_of(record["description"]),
        "queue": queue_of(as_text(record["origin"] or b"")),
        "state": hit.state or state_of(hit.job_id, record, active),
        "status": as_text(record["status"] or b""),
        **shown_times(times),
    }


def _of_letter(job_id: str, letter: Mapping[str, Any]) -> JsonDict:
    return {
        "jobId": job_id,
        "messageType": letter["message_type"],
        "queue": queue_of(letter["queue"]),
        "state": "failed",
        "status": "buried",
        **dict.fromkeys(_TIMES.values()),
        "endedAt": shown_text(letter["buried_at"]),
    }
