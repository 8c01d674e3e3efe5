"""All jobs that fit a search, as far as one action may reach. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from monitoring.errors import InvalidQuery
from monitoring.search import MOST_HITS, search_jobs

_MOST_PAGES = 40  # of a search that ends for want of time before its page is full


@dataclass(frozen=True)
class Matching:
    """The jobs that fit.

    Args:
        job_ids: Their ids, each once.
        is_all: Whether there are no others.
    """

    job_ids: Sequence[str]
    is_all: bool


def matching_jobs(
    query: str, *, tenant: str | None, most: int, connection: redis.Redis
) -> Matching:
    """Find what an action on all that match is about.

    Args:
        query: As `search_jobs` takes it; an empty one is refused, for it would mean all jobs.
        tenant: The only one whose jobs may be found; None means all.
        most: How many at most, from 1.
        connection: Where; up to 20 round trips for each 200 jobs.

    Raises:
        InvalidQuery: If the query cannot be used, or asks for nothing.
    """
    if not query.strip():
        raise InvalidQuery(
            "The search is empty, and would mean every job.",
            field="query",
            remedy="Ask for a state or a type, such as state:failed type:EMAIL.",
        )
    found: dict[str, None] = {}
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = search_jobs(
            query, tenant=tenant, limit=MOST_HITS, cursor=cursor, connection=connection
        )
        found.update(dict.fromkeys(job["jobId"] for job in page["jobs"]))
        cursor = page["cursor"]
        if cursor is None or len(found) > most:
            break
    ids = list(found)[:most]
    return Matching(ids, is_all=cursor is None and len(found) <= most)
