"""The jobs that fit a search and that an action can be done to. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from monitoring.errors import InvalidQuery
from monitoring.search import MOST_HITS, search_jobs
from workers.many_jobs import MOST, Action, Refused, sort_out

MOST_LOOKED_AT = 5_000
"""Jobs that fit, and of which each is asked whether the action can be done to it."""
_MOST_PAGES = 40  # of a search that ends for want of time before its page is full


@dataclass(frozen=True)
class Matching:
    """The jobs that fit.

    Args:
        job_ids: Those that it can be done to, each once, up to 1,000.
        refused: Those that were looked at, and that it cannot be done to.
        is_all: Whether there are no others.
    """

    job_ids: Sequence[str]
    refused: Sequence[Refused]
    is_all: bool


def matching_jobs(
    action: Action, query: str, *, tenant: str | None, connection: redis.Redis
) -> Matching:
    """Find what an action on all that match is about.

    What it was done to already does not count, so whoever asks again gets the next ones.

    Args:
        action: What would be done.
        query: As `search_jobs` takes it; an empty one is refused, for it would mean all jobs.
        tenant: The only one whose jobs may be found; None means all.
        connection: Where; up to 21 round trips for each 200 jobs.

    Raises:
        InvalidQuery: If the query cannot be used, or asks for nothing.
    """
    if not query.strip():
        raise InvalidQuery(
            "The search is empty, and would mean every job.",
            field="query",
            remedy="Ask for a state or a type, such as state:failed type:EMAIL.",
        )
    good: dict[str, None] = {}
    refused: dict[str, Refused] = {}
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = search_jobs(
            query, tenant=tenant, limit=MOST_HITS, cursor=cursor, connection=connection
        )
        ids = [job["jobId"] for job in page["jobs"]]
        found = sort_out(action, ids, connection=connection)
        good.update(dict.fromkeys(found.job_ids))
        refused.update({each.job_id: each for each in found.refused})
        cursor = page["cursor"]
        if cursor is None or len(good) > MOST or len(good) + len(refused) >= MOST_LOOKED_AT:
            break
    is_all = cursor is None and len(good) <= MOST
    return Matching(list(good)[:MOST], list(refused.values()), is_all)
