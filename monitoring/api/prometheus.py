"""Routes: what Prometheus scrapes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from monitoring.prometheus import CONTENT_TYPE, Exposition
from monitoring.web.auth import Scrape
from monitoring.web.identity import Identity

router = APIRouter(tags=["numbers"])


@router.get("/metrics", response_class=Response)
def metrics(request: Request, _: Annotated[Identity, Depends(Scrape())]) -> Response:
    """Tell Prometheus everything; a token of its own, POSTROOM_SCRAPE_TOKEN, is enough."""
    exposition: Exposition = request.app.state.exposition
    return Response(exposition.render(), media_type=CONTENT_TYPE)
