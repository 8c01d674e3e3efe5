"""Routes: why something does not get on, how healthy queues are, and how many workers they need."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from monitoring.api.parts import Asker, JsonDict, Looker, Reader, Writer
from monitoring.explain.queue_health import get_health_report
from monitoring.explain.why import why as explained
from monitoring.explain.why_own import why_own_job
from monitoring.scale.queues import read_scale
from monitoring.scale.text import CONTENT_TYPE, as_prometheus
from monitoring.web.auth import Scrape
from monitoring.web.identity import Identity

router = APIRouter(tags=["why"])


@router.get("/api/why/{name}")
def why(name: str, asker: Asker, reader: Reader) -> JsonDict:
    """Say why a job, a queue, a stream or a unique key does not get on, and what helps.

    To who may see one tenant only, why a job of that tenant does not, by its id.
    """
    if asker.tenant is not None:
        found = why_own_job(name, asker.tenant, connection=reader)
        return {"explanations": [found.as_json()]}
    return {"explanations": [each.as_json() for each in explained(name, connection=reader)]}


@router.get("/api/admin/queue-health")
def queue_health(_: Looker, reader: Reader) -> JsonDict:
    """Judge each queue as healthy, warning or critical, with reasons and recommendations."""
    return get_health_report(connection=reader)


@router.get("/scale", response_model=None)
def scale(
    _: Annotated[Identity, Depends(Scrape())],
    reader: Reader,
    writer: Writer,
    form: Annotated[Literal["json", "prometheus"], Query(alias="format")] = "json",
) -> JsonDict | Response:
    """Tell how many workers each queue should have, as JSON for KEDA or as text for Prometheus.

    As for `/metrics`, POSTROOM_SCRAPE_TOKEN is enough.
    """
    found = read_scale(connection=reader, watching=writer)
    if form == "json":
        return found.as_json()
    return Response(as_prometheus(found), media_type=CONTENT_TYPE)
