"""Routes: what is wrong, why, and what to do; and how many workers there should be."""

from typing import Annotated

from fastapi import APIRouter, Depends

from monitoring.api.parts import JsonDict, Looker, Reader, Writer
from monitoring.auth import Scrape
from monitoring.identity import Identity
from monitoring.queue_health import get_health_report
from monitoring.scale import get_scale
from monitoring.why import why

router = APIRouter(tags=["health"])


@router.get("/api/admin/queue-health")
def queue_health(_: Looker, reader: Reader) -> JsonDict:
    """Judge every queue: healthy, warning or critical, with reasons and what to do."""
    return get_health_report(connection=reader)


@router.get("/api/why/{name}")
def explain(name: str, _: Looker, reader: Reader) -> JsonDict:
    """Say why a job, a queue or a stream does not get on."""
    return {"explanations": [each.as_json() for each in why(name, connection=reader)]}


@router.get("/scale")
def scale(_: Annotated[Identity, Depends(Scrape())], writer: Writer) -> JsonDict:
    """Tell how many workers each queue should have, for an autoscaler.

    As for `/metrics`, POSTROOM_SCRAPE_TOKEN is enough.
    """
    return get_scale(connection=writer)
