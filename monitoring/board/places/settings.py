"""Settings: alerts, roles, retention, pauses, the audit log and the server, a tab each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import redis
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from messages import message_types
from monitoring.alerts import Alerter, get_alerts, get_history
from monitoring.api.parts import Looker, Reader
from monitoring.board.audit_trail import Filters, trail_of
from monitoring.board.page import Board, page
from monitoring.board.places.insights import read_price
from monitoring.board.rule_rows import rule_rows
from monitoring.board.standing import Standing
from monitoring.duties import Duties
from monitoring.web.settings import WebSettings
from monitoring.words import number
from workers import audit
from workers.cleanup_policies import read_policies
from workers.pauses import pauses
from workers.settings import Settings

router = APIRouter(tags=["browser"])

Tab = Literal["alerts", "roles", "retention", "pauses", "audit", "server"]

TABS: Mapping[Tab, str] = {
    "alerts": "Alerts",
    "roles": "Roles and tokens",
    "retention": "Retention",
    "pauses": "Pauses",
    "audit": "Audit log",
    "server": "Redis",
}

ABILITIES = (
    ("Look at everything, secrets in payloads hidden", 1),
    ("Send, retry, replay, cancel and stop", 2),
    ("Pause and resume, mute and mark fixed", 2),
    ("Clear what has ended, trim and claim", 2),
    ("Test alerts, run clean-up, mark deploys", 2),
    ("Clear what never ran, purge dead letters", 3),
)
"""What each role may do, from which role on."""

_NOTICES = 25
_READ = 1_000  # entries of the audit log that filters look through


@dataclass(frozen=True)
class _Source:
    """Where a tab is read."""

    standing: Standing
    reader: redis.Redis
    request: Request
    filters: Filters

    @property
    def alerter(self) -> Alerter:
        duties: Duties = self.request.app.state.duties
        return duties.alerter


@router.get("/settings")
def settings(
    request: Request,
    asker: Looker,
    reader: Reader,
    filters: Annotated[Filters, Depends()],
    tab: Tab = "alerts",
) -> Response:
    """Show what is set, who did what, and let channels be tried and policies be run."""

    def values(standing: Standing) -> Mapping[str, Any]:
        source = _Source(standing, reader, request, filters)
        shown = _TABS[tab](source)
        return {"tab": tab, "tabs": TABS, "role": asker.role.name, **shown}

    return page(request, asker, "settings.html", values, place="settings")


def _alerts(source: _Source) -> Mapping[str, Any]:
    alerter, reader = source.alerter, source.reader
    found = get_alerts(connection=reader, rules=alerter.rules)
    firing = [each for each in found if each["state"] == "firing"]
    fire = "1 alert fires now" if len(firing) == 1 else f"{len(firing)} alerts fire now"
    channels = number(len(alerter.channels), "channel")
    return {
        "sentence": f"{fire}. {number(len(alerter.rules), 'rule')}, {channels}.",
        "firing": firing,
        "rules": rule_rows(alerter.rules, found),
        "channels": [(name, each.kind) for name, each in alerter.channels.items()],
        "notices": get_history(_NOTICES, connection=reader),
    }


def _roles(source: _Source) -> Mapping[str, Any]:
    web: WebSettings = source.request.app.state.web
    return {
        "sentence": "A role may do what those before it may.",
        "abilities": ABILITIES,
        "hours": web.session_hours,
    }


def _retention(source: _Source) -> Mapping[str, Any]:
    state = source.request.app.state
    board: Board = state.board
    engine: Settings = state.engine
    web: WebSettings = state.web
    price = board.slowly("price", lambda: read_price(engine, source.reader))
    policies = read_policies(web.cleanup_policies)
    kept = f" {number(len(policies), 'policy', 'policies')} each hour." if policies else ""
    return {
        "sentence": f"History is capped by count and by age.{kept}",
        "price": price,
        "policies": policies,
        "queues": sorted(source.standing.queues),
    }


def _pauses(source: _Source) -> Mapping[str, Any]:
    found = pauses(connection=source.reader)
    types = {each.name for each in found if each.kind == "type"}
    return {
        "sentence": f"{number(len(found), 'pause')}." if found else "Nothing is paused.",
        "paused": found,
        "kinds": [name for name in message_types() if name not in types],
    }


def _audit(source: _Source) -> Mapping[str, Any]:
    read = audit.entries(_READ, connection=source.reader)
    trail = trail_of(read, source.filters)
    return {
        "sentence": f"{_read(len(read))}: who did what, and why.",
        "trail": trail,
        "filters": source.filters,
    }


def _read(entries: int) -> str:
    told = number(entries, "entry", "entries")
    return told if entries < _READ else f"The newest {told}"


def _server(source: _Source) -> Mapping[str, Any]:
    warnings = source.standing.redis["warnings"]
    found = number(len(warnings), "warning")
    return {"sentence": f"{found}." if warnings else "It is set up as it should be."}


_TABS: Mapping[Tab, Callable[[_Source], Mapping[str, Any]]] = {
    "alerts": _alerts,
    "roles": _roles,
    "retention": _retention,
    "pauses": _pauses,
    "audit": _audit,
    "server": _server,
}
