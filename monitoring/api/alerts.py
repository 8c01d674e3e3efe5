"""Routes: what asks for attention, what people were told, and a test of a channel."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from monitoring.alerts import Alerter, get_alerts, get_history
from monitoring.api.parts import Actor, JsonDict, Looker, Reader
from monitoring.api.reasons import NoBody
from monitoring.duties import Duties

router = APIRouter(prefix="/api/alerts", tags=["alerts"])


@router.get("")
def list_alerts(request: Request, _: Looker, reader: Reader) -> JsonDict:
    """List the alerts that hold now, the most urgent first."""
    return {"alerts": get_alerts(connection=reader, rules=_alerter(request).rules)}


@router.get("/history")
def history(
    _: Looker, reader: Reader, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> JsonDict:
    """Show what people were told, the newest first."""
    return {"notices": get_history(limit, connection=reader)}


@router.get("/rules")
def rules(request: Request, _: Looker) -> JsonDict:
    """Show the rules in force, and the channels by name."""
    alerter = _alerter(request)
    return {"rules": [rule.as_dict() for rule in alerter.rules], "channels": [*alerter.channels]}


@router.post("/test/{channel}")
def try_channel(channel: str, request: Request, _: Actor, body: NoBody = None) -> JsonDict:
    """Send a test to a channel, now."""
    del body  # there is nothing in it
    _alerter(request).send_test(channel)
    return {"success": True, "channel": channel}


def _alerter(request: Request) -> Alerter:
    duties: Duties = request.app.state.duties
    return duties.alerter
