"""All jobs of a queue, a state and a type, page by page. Only reads.

The first page has the jobs that changed last, wherever they stand. The pages after it go through
the lists and sorted sets of queues and states, one after the other, and leave out what the first
page had: its ids stand in the cursor, in short.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.answers import as_text
from monitoring.errors import InvalidQuery
from monitoring.jobs.listing import check_state, newest_jobs, queues_of
from monitoring.packing import command
from monitoring.search.cursors import Cursor, cursor_from, no_cursor
from monitoring.search.places import count_places
from monitoring.search.plan import Plan
from monitoring.search.query import SearchQuery
from monitoring.search.rows import rows_of
from monitoring.search.scan import Scan
from monitoring.search.sources import Order, Place
from monitoring.search.trips import MOST_SECONDS, Trips
from workers import keys
from workers.connection import default_connection, storage_errors

JsonDict = dict[str, Any]

MOST_JOBS = 200
"""Jobs of one page at most."""
LONGEST_CURSOR = 8_000
"""Characters: those of a first page of 200 jobs, and of three ids as long as RQ takes them."""

_DRIVER = "places"
_BEGINNING: tuple[Order, Place] = ((0, "", 0, 0), [0, "0"])  # before all that there is
_DIGEST_BYTES = 6  # a page of 200 is mistaken for one of a million others once in a million times


def get_job_page(  # noqa: PLR0913 - what a page is asked for
    *,
    queue: str | None = None,
    state: str | None = None,
    message_type: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
    seconds: float = MOST_SECONDS,
    connection: redis.Redis | None = None,
) -> JsonDict:
    """A page of the jobs that fit.

    Args:
        queue: Only of this queue.
        state: Only in this one of `STATES`.
        message_type: Only with this wire name.
        limit: How many at most, 1 to 200.
        cursor: That of the page before, with the same queue, state and type; None begins.
        seconds: After how long a page after the first says what it has found, above 0.
        connection: Where; None means the server that the settings name.

    Returns:
        `jobs`, as `get_jobs` tells them; `cursor`, where the next page begins, None if there is
        none; and `partial`, whether the page ended before it was full, for the sake of time. The
        first page has those that changed last, the following ones all others, queue by queue, list
        by list and state by state, the newest of each first. A job that stays where it is stands on
        exactly one page, whatever comes and goes meanwhile; one that is sent after the first page,
        or that changes its state between two pages, may stand on none or, in its new state, once
        more. Up to 6 round trips for the first page and 20 for each other.

    Raises:
        InvalidQuery: If there is no such state, or the limit or the cursor cannot be used.
        StorageUnavailable: If Redis does not answer.
    """
    if not 1 <= limit <= MOST_JOBS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_JOBS}."
        )
    check_state(state)
    connection = connection or default_connection()
    asked = SearchQuery(message_type=message_type, queue=queue, state=state)
    if not cursor:
        return _first(asked, limit, connection)
    shown, begin = _read(cursor, asked)
    with storage_errors():
        return _later(asked, limit, shown, begin, Trips(connection, seconds=seconds))


def _first(asked: SearchQuery, limit: int, connection: redis.Redis) -> JsonDict:
    found = newest_jobs(asked.queue, asked.state, asked.message_type, limit, connection=connection)
    begin = Cursor(_name_of(asked), datetime.now(UTC)).behind(_DRIVER, *_BEGINNING)
    digests = [_digest(job["jobId"]) for job in found.jobs]
    return {
        "jobs": list(found.jobs),
        "cursor": None if found.is_all else _written(digests, begin),
        "partial": not found.is_all and len(found.jobs) < limit,
    }


def _later(
    asked: SearchQuery, limit: int, shown: Sequence[bytes], begin: Cursor, trips: Trips
) -> JsonDict:
    scan = Scan(asked, _plan(asked, trips), trips, _Seen(frozenset(shown)))
    scan.begin(begin)
    scan.look(limit)
    rows = rows_of(scan.hits, trips)
    behind = scan.cursor(begin)
    return {
        "jobs": rows,
        "cursor": None if behind is None else _written(shown, cursor_from(behind, begin.query)),
        "partial": scan.is_partial,
    }


def _plan(asked: SearchQuery, trips: Trips) -> Plan:
    used, pauses = trips.ask([command("SMEMBERS", keys.queues()), command("HKEYS", keys.pauses())])
    queues = queues_of(used or ()) if asked.queue is None else [asked.queue]
    paused = [as_text(each) for each in pauses or ()]
    return Plan(_DRIVER, count_places(asked, queues, paused, trips), queues)


@dataclass
class _Seen:
    """The jobs of the first page, and those of this one."""

    first: frozenset[bytes]
    here: set[str] = field(default_factory=set)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self.here or _digest(str(job_id)) in self.first

    def add(self, job_id: str) -> None:
        self.here.add(job_id)


def _digest(job_id: str) -> bytes:
    made = hashlib.blake2b(job_id.encode(errors="replace"), digest_size=_DIGEST_BYTES)
    return made.digest()


def _name_of(asked: SearchQuery) -> str:
    return json.dumps([asked.queue, asked.state, asked.message_type])


def _written(digests: Iterable[bytes], place: Cursor) -> str:
    return f"{urlsafe_b64encode(b''.join(digests)).decode()}.{place.written()}"


def _read(text: str, asked: SearchQuery) -> tuple[Sequence[bytes], Cursor]:
    first, dot, place = text.partition(".")
    try:
        whole = urlsafe_b64decode(first)
        digests = [whole[at : at + _DIGEST_BYTES] for at in range(0, len(whole), _DIGEST_BYTES)]
        found = cursor_from(place, _name_of(asked))
    except ValueError as error:
        raise no_cursor(text) from error
    if not dot or found.driver != _DRIVER:
        raise no_cursor(text)
    return digests, found
