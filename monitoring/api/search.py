"""Routes: find any job."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.parts import Asker, JsonDict, Reader
from monitoring.search import MOST_HITS, search_jobs

router = APIRouter(tags=["jobs"])

_QUERY = "type:EMAIL state:failed since:2h"


@router.get("/api/search")
def search(
    asker: Asker,
    reader: Reader,
    q: Annotated[
        str, Query(max_length=1_000, description="As in docs/search.md", examples=[_QUERY])
    ],
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
    cursor: Annotated[str | None, Query(max_length=2_000)] = None,
) -> JsonDict:
    """Find jobs; all that is asked for must fit. docs/search.md says what one may ask for.

    To who may see one tenant only, jobs of that tenant.
    """
    return search_jobs(q, tenant=asker.tenant, limit=limit, cursor=cursor, connection=reader)
