"""The jobs of one tenant, for those who may see no other. Only reads.

They are read from the index of that tenant's jobs: what a page takes, how it ends and where it
goes on depends on nothing of others.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.errors import InvalidQuery
from monitoring.jobs.listing import check_state
from monitoring.jobs.pages import MOST_JOBS
from monitoring.search.cursors import Cursor, cursor_from
from monitoring.search.plan import make_plan
from monitoring.search.query import SearchQuery
from monitoring.search.rows import rows_of
from monitoring.search.scan import Scan
from monitoring.search.trips import MOST_SECONDS, Trips
from monitoring.words import first_line
from workers import dead_letters
from workers.clock import shown_text
from workers.connection import storage_errors
from workers.dead_letters import Filter, Summary
from workers.routing import queue_of

JsonDict = dict[str, Any]

_LETTERS = 1_000  # the newest, among which failures are counted


def get_own_jobs(  # noqa: PLR0913 - what a page is asked for
    tenant: str,
    *,
    queue: str | None = None,
    state: str | None = None,
    message_type: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
    seconds: float = MOST_SECONDS,
    connection: redis.Redis,
) -> JsonDict:
    """A page of a tenant's jobs that fit, those that were sent last first.

    Args:
        tenant: Whose.
        queue: Only of this queue; one that nobody knows has none.
        state: Only in this one of `STATES`.
        message_type: Only with this wire name.
        limit: How many at most, 1 to 200.
        cursor: That of the page before, with the same tenant, queue, state and type; None begins.
        seconds: After how long it says what it has found, above 0.
        connection: Where.

    Returns:
        `jobs`, `cursor` and `partial`, as `get_job_page` tells them. Jobs that have left the index
        of their tenant, or were stored by a release that had none, are not among them. It takes up
        to 20 round trips.

    Raises:
        InvalidQuery: If there is no such state, or the limit or the cursor cannot be used.
        StorageUnavailable: If Redis does not answer.
    """
    if not 1 <= limit <= MOST_JOBS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_JOBS}."
        )
    check_state(state)
    asked = json.dumps([tenant, queue, state, message_type])
    wanted = SearchQuery(
        message_type=message_type, queue=queue, state=state, tenant=tenant, is_scoped=True
    )
    begin = cursor_from(cursor, asked) if cursor else Cursor(asked, datetime.now(UTC))
    trips = Trips(connection, seconds=seconds)
    with storage_errors():
        scan = Scan(wanted, make_plan(wanted, trips), trips)
        scan.begin(begin)
        scan.look(limit)
        rows = rows_of(scan.hits, trips)
    return {"jobs": rows, "cursor": scan.cursor(begin), "partial": scan.is_partial}


def get_own_failures(tenant: str, limit: int, *, connection: redis.Redis) -> JsonDict:
    """A tenant's failures by queue, as `get_failed_jobs` tells those of all.

    Args:
        tenant: Whose.
        limit: How many of each queue, from 1.
        connection: Where; up to 3 round trips.

    Returns:
        As `get_failed_jobs`, from the newest 1,000 dead letters of the tenant; those are counted,
        too.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    with storage_errors():
        found = dead_letters.page(Filter(tenant=tenant), limit=_LETTERS, connection=connection)
    queues: dict[str, list[Summary]] = defaultdict(list)
    for letter in found.letters:
        queues[queue_of(letter.queue)].append(letter)
    return {
        name: {"count": len(letters), "jobs": [_shown(each) for each in letters[:limit]]}
        for name, letters in queues.items()
    }


def _shown(letter: Summary) -> JsonDict:
    return {
        "jobId": letter.job_id,
        "messageType": letter.message_type,
        "reason": letter.reason,
        "error": first_line(letter.error),
        "failedAt": shown_text(letter.buried_at),
    }
