"""Find jobs by what they carry, by type, state, queue, id, time and error. Only reads.

The smallest set of jobs that holds all hits is looked through in chunks, and the rest is asked of
the records. A search ends after 20 round trips or 70 ms, whatever it has found, and tells where to
go on.
"""

from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.errors import InvalidQuery
from monitoring.search.cursors import Cursor, cursor_from
from monitoring.search.plan import make_plan
from monitoring.search.query import of_tenant, parse_query
from monitoring.search.rows import rows_of
from monitoring.search.scan import Scan
from monitoring.search.trips import MOST_SECONDS, MOST_TRIPS, Trips
from workers.connection import default_connection, storage_errors

__all__ = ["MOST_HITS", "MOST_TRIPS", "search_jobs"]

JsonDict = dict[str, Any]

MOST_HITS = 200
"""Jobs of one page at most."""


def search_jobs(  # noqa: PLR0913 - what a page is asked for
    query: str,
    *,
    tenant: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
    now: datetime | None = None,
    seconds: float = MOST_SECONDS,
    connection: redis.Redis | None = None,
) -> JsonDict:
    """Find jobs.

    Args:
        query: Such as `type:EMAIL to:bob@example.com state:failed since:2h`; see docs/search.md.
        tenant: The only one whose jobs may be found; None means all. Then the search goes through
            the index of that tenant's jobs alone, and takes as long as there are jobs of it.
        limit: How many at most, 1 to 200.
        cursor: That of the page before; None begins.
        now: The time, for `since:2h`; None asks the clock.
        seconds: After how long it says what it has found, above 0.
        connection: Where; None means the server that the settings name.

    Returns:
        `jobs`, as `get_jobs` lists them, never with their payload; of one whose record is gone and
        whose dead letter is there, `status` is `buried`. `cursor`, where the next page begins;
        None if there is none. `partial`, whether the round trips or the time were used up before
        the page was full. `groups`, the fingerprints of the failures whose text fits, where one was
        asked for.
        `roundTrips`, how many it took, up to 20. Newest first in each part that is looked through;
        jobs that change their state between two pages may stand in both or in neither.

    Raises:
        InvalidQuery: If the query, the limit or the cursor cannot be used.
        QueueNotFound: If nobody knows the queue.
        StorageUnavailable: If Redis does not answer.
    """
    if not 1 <= limit <= MOST_HITS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_HITS}."
        )
    begin = cursor_from(cursor, query) if cursor else Cursor(query, now or datetime.now(UTC))
    wanted = of_tenant(parse_query(query, now=begin.now), tenant)
    trips = Trips(connection or default_connection(), seconds=seconds)
    with storage_errors():
        plan = make_plan(wanted, trips, begin.driver)
        scan = Scan(wanted, plan, trips)
        scan.begin(begin)
        scan.look(limit)
        rows = rows_of(scan.hits, trips)
    return {
        "jobs": rows,
        "cursor": scan.cursor(begin),
        "partial": scan.is_partial,
        "groups": list(plan.groups),
        "roundTrips": trips.used,
    }
