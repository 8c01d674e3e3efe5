"""Who may do what: every route, every role, every method."""

from collections.abc import Iterator
from itertools import product

import pytest
from fastapi import FastAPI
from redis import Redis

from monitoring.web.app import closed_routers, create_app
from monitoring.web.auth import declared
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from postroom.embedded import Server
from tests.monitoring.api.leaving import first_bytes
from tests.monitoring.api.tokens import SECRET, refusal

pytestmark = pytest.mark.usefixtures("redis")  # emptied before each test

LOOK, ACT, DESTROY = Role.MODERATOR, Role.ADMIN, Role.SUPER_ADMIN

ROLES = {
    "GET /": LOOK,
    "GET /workers": LOOK,
    "GET /insights": LOOK,
    "GET /board/dialogs/type": LOOK,
    "GET /queue-test": LOOK,
    "GET /queue-monitor": LOOK,
    "GET /admin/queues": ACT,
    "GET /messages": LOOK,
    "GET /messages/{name}": LOOK,
    "GET /settings": LOOK,
    "GET /board/dialogs/cleanup": ACT,
    "GET /board/dialogs/pause-tenant": ACT,
    "GET /board/palette": LOOK,
    "GET /queues": LOOK,
    "GET /queues/{queue}": LOOK,
    "GET /streams/{name}": LOOK,
    "GET /board/dialogs/clear": ACT,
    "GET /jobs": LOOK,
    "GET /jobs/{job_id}": LOOK,
    "GET /board/dialogs/job": ACT,
    "GET /board/dialogs/requeue": ACT,
    "GET /board/dialogs/change": ACT,
    "GET /board/dialogs/copy": LOOK,
    "GET /board/suggest": LOOK,
    "GET /board/dialogs/many": ACT,
    "GET /board/dialogs/columns": LOOK,
    "GET /board/dialogs/view": LOOK,
    "GET /board/dialogs/claim": ACT,
    "GET /board/dialogs/drop": ACT,
    "GET /board/dialogs/trim": ACT,
    "GET /failures": LOOK,
    "GET /failures/letters": LOOK,
    "GET /failures/letters/{job_id}": LOOK,
    "GET /failures/{fingerprint}": LOOK,
    "POST /board/failures/letters/{job_id}/check": ACT,
    "GET /board/failures/{fingerprint}/left": ACT,
    "GET /board/dialogs/mute": ACT,
    "GET /board/dialogs/unmute": ACT,
    "GET /board/dialogs/fixed": ACT,
    "GET /board/dialogs/trial": ACT,
    "GET /board/dialogs/replay-group": ACT,
    "GET /board/dialogs/replay-letter": ACT,
    "GET /board/dialogs/discard-group": DESTROY,
    "GET /board/dialogs/discard-letter": DESTROY,
    "GET /board/dialogs/account": LOOK,
    "GET /board/dialogs/keys": LOOK,
    "GET /board/dialogs/more": LOOK,
    "GET /board/dialogs/pause": ACT,
    "GET /board/dialogs/stop-worker": ACT,
    "GET /board/dialogs/resume": ACT,
    "GET /rq/{path:path}": ACT,
    "POST /rq/{path:path}": ACT,
    "GET /openapi.json": LOOK,
    "GET /api/session": LOOK,
    "GET /admin/jobs/metrics": LOOK,
    "GET /admin/jobs/live": LOOK,
    "GET /admin/jobs/queue/{queue}": LOOK,
    "GET /admin/jobs/queue/{queue}/live": LOOK,
    "GET /admin/jobs/{job_id}/logs/live": LOOK,
    "GET /admin/jobs/trends": LOOK,
    "GET /admin/jobs/alerts/stuck": LOOK,
    "GET /metrics": LOOK,
    "GET /api/queues": LOOK,
    "GET /api/queues/{queue}": LOOK,
    "GET /api/types": LOOK,
    "GET /api/series": LOOK,
    "GET /api/deploys": LOOK,
    "GET /api/alerts": LOOK,
    "GET /api/alerts/history": LOOK,
    "GET /api/alerts/rules": LOOK,
    "POST /api/alerts/test/{channel}": ACT,
    "GET /api/failures": LOOK,
    "GET /api/failures/{fingerprint}": LOOK,
    "POST /api/failures/{fingerprint}/mute": ACT,
    "POST /api/failures/{fingerprint}/unmute": ACT,
    "POST /api/failures/{fingerprint}/fixed": ACT,
    "POST /api/failures/{fingerprint}/replay": ACT,
    "GET /api/why/{name}": LOOK,
    "GET /api/admin/queue-health": LOOK,
    "GET /scale": LOOK,
    "GET /api/health": LOOK,
    "GET /api/health/queues/{queue}": LOOK,
    "GET /api/overview": LOOK,
    "GET /api/workers": LOOK,
    "POST /api/workers/{name}/stop": ACT,
    "GET /api/redis": LOOK,
    "GET /api/history/cost": LOOK,
    "GET /api/failed-jobs": LOOK,
    "GET /api/queue-stats": LOOK,
    "PATCH /admin/jobs/queue/{queue}/pause": ACT,
    "PATCH /admin/jobs/queue/{queue}/resume": ACT,
    "DELETE /admin/jobs/queue/{queue}/clear": ACT,
    "GET /api/jobs": LOOK,
    "POST /api/jobs": ACT,
    "POST /api/jobs/retry": ACT,
    "POST /api/jobs/cancel": ACT,
    "GET /api/jobs/{job_id}": LOOK,
    "GET /api/jobs/{job_id}/status": LOOK,
    "GET /admin/jobs/{job_id}/logs": LOOK,
    "POST /admin/jobs/retry/{queue}/{job_id}": ACT,
    "POST /admin/jobs/{queue}/{job_id}/promote": ACT,
    "POST /admin/jobs/{queue}/{job_id}/cancel": ACT,
    "POST /admin/jobs/{queue}/{job_id}/stop": ACT,
    "DELETE /admin/jobs/{queue}/{job_id}": ACT,
    "GET /api/message-types": LOOK,
    "GET /api/message-types/{name}": LOOK,
    "GET /api/dead-letters": LOOK,
    "GET /api/dead-letters/{job_id}": LOOK,
    "PATCH /api/dead-letters/{job_id}": ACT,
    "POST /api/dead-letters/{job_id}/replay": ACT,
    "DELETE /api/dead-letters/{job_id}": DESTROY,
    "POST /api/dead-letters/replay": ACT,
    "POST /api/dead-letters/purge": DESTROY,
    "GET /api/guilds/{guild_id}/job-activity": LOOK,
    "GET /api/streams": LOOK,
    "POST /api/streams": ACT,
    "GET /api/streams/{name}": LOOK,
    "GET /api/streams/{name}/jobs": LOOK,
    "GET /api/streams/{name}/pending": LOOK,
    "GET /api/audit": LOOK,
    "GET /api/pauses": LOOK,
    "POST /api/pauses": ACT,
    "POST /api/pauses/resume": ACT,
    "GET /api/search": LOOK,
    "POST /api/deploys": ACT,
    "POST /api/streams/{name}/trim": ACT,
    "POST /api/streams/{name}/claim": ACT,
    "DELETE /api/streams/{name}/consumers/{consumer}": ACT,
    "GET /api/cleanup/policies": LOOK,
    "POST /api/cleanup": ACT,
}
"""Written by hand: a route that is not here fails the test below."""

OF_ONE_TENANT = {
    "GET /",
    "GET /queue-monitor",
    "GET /board/palette",
    "GET /queues",
    "GET /jobs",
    "GET /jobs/{job_id}",
    "GET /board/dialogs/job",
    "GET /board/dialogs/requeue",
    "GET /board/dialogs/copy",
    "GET /board/suggest",
    "GET /board/dialogs/many",
    "GET /board/dialogs/columns",
    "GET /board/dialogs/view",
    "GET /streams/{name}",
    "GET /board/dialogs/account",
    "GET /board/dialogs/keys",
    "GET /board/dialogs/more",
    "GET /api/session",
    "GET /api/jobs/{job_id}",
    "GET /api/jobs/{job_id}/status",
    "GET /admin/jobs/{job_id}/logs",
    "GET /admin/jobs/{job_id}/logs/live",
    "GET /api/dead-letters/{job_id}",
    "GET /api/guilds/{guild_id}/job-activity",
    "GET /api/streams",
    "GET /api/streams/{name}",
    "GET /api/streams/{name}/jobs",
    "GET /api/streams/{name}/pending",
    "GET /api/jobs",
    "POST /api/jobs/retry",
    "POST /api/jobs/cancel",
    "GET /api/search",
    "GET /api/failed-jobs",
    "GET /api/why/{name}",
    "GET /api/dead-letters",
    "POST /api/dead-letters/{job_id}/replay",
    "DELETE /api/dead-letters/{job_id}",
    "POST /api/dead-letters/replay",
    "POST /api/dead-letters/purge",
    "POST /admin/jobs/retry/{queue}/{job_id}",
    "POST /admin/jobs/{queue}/{job_id}/promote",
    "POST /admin/jobs/{queue}/{job_id}/cancel",
    "POST /admin/jobs/{queue}/{job_id}/stop",
    "DELETE /admin/jobs/{queue}/{job_id}",
    "GET /api/queues/{queue}",
    "GET /admin/jobs/queue/{queue}",
    "GET /admin/jobs/queue/{queue}/live",
    "PATCH /admin/jobs/queue/{queue}/pause",
    "PATCH /admin/jobs/queue/{queue}/resume",
    "DELETE /admin/jobs/queue/{queue}/clear",
}
"""The routes that show who may see one tenant only that tenant; the others refuse them."""

PLACES = {
    "{queue}": "default",
    "{job_id}": "none-such",
    "{path:path}": "none-such",
    "{name}": "jobs:guild:7:message_scan",
    "{guild_id}": "7",
    "{fingerprint}": "0123456789ab",
    "{channel}": "ops",
    "{consumer}": "worker-1",
}


@pytest.fixture(scope="module")
def app(redis_server: Server) -> Iterator[FastAPI]:
    """One application for all: what a role may do is settled when it is built."""
    with Redis.from_url(redis_server.url) as connection:
        yield create_app(connection=connection, settings=WebSettings(postroom_secret=SECRET))


def asked(client, route: str):
    method, path = route.split()
    for place, value in PLACES.items():
        path = path.replace(place, value)
    return first_bytes(client, path) if path.endswith("/live") else client.request(method, path)


def test_every_route_is_in_the_table() -> None:
    routes = declared(closed_routers())
    told = {f"{method} {each.path}": each.needs.role for each in routes for method in each.methods}

    assert told == ROLES


@pytest.mark.parametrize(("route", "role"), list(product(ROLES, Role)))
def test_a_role_may_do_what_it_is_for_and_no_more(bearing, route: str, role: Role) -> None:
    answer = asked(bearing(role), route)

    if role < ROLES[route]:
        assert answer.status_code == 403
        assert ROLES[route].name in answer.json()["error"]["message"]
    else:
        assert answer.status_code not in {401, 403, 405, 500}, answer.text


@pytest.mark.parametrize("route", ROLES)
def test_nobody_gets_in_without_a_token(bearing, route: str) -> None:
    answer = asked(bearing(None), route)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert refusal(answer) == "not_authenticated"


@pytest.mark.parametrize("route", ROLES)
def test_who_may_see_one_tenant_is_shown_that_one_only(bearing, route: str) -> None:
    answer = asked(bearing(Role.SUPER_ADMIN, tenant="7"), route)

    assert (answer.status_code == 403) == (route not in OF_ONE_TENANT)


def test_a_tenants_token_does_not_open_the_streams_of_another(bearing) -> None:
    client = bearing(Role.SUPER_ADMIN, tenant="8")
    answer = client.get("/api/guilds/7/job-activity")

    assert (answer.status_code, refusal(answer)) == (403, "not_allowed")
    assert client.get("/api/streams/jobs:guild:7:message_scan").status_code == 403
    assert client.get("/api/streams/jobs:guild:8:message_scan").status_code != 403


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/none", "/admin/jobs/metrics/"])
def test_what_is_not_there_is_told_with_all_four_parts(admin, path: str) -> None:
    answer = admin.get(path)

    assert answer.status_code == 404
    assert refusal(answer) == "not_found"


def test_a_method_that_is_not_served_is_refused(admin) -> None:
    answer = admin.put("/api/jobs")

    assert answer.status_code == 405
    assert refusal(answer) == "method_not_allowed"


def test_the_description_names_every_route(moderator) -> None:
    paths = moderator.get("/openapi.json").json()["paths"]
    told = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}

    served = {name.replace("{path:path}", "{path}") for name in ROLES}
    assert told >= served | {"GET /login", "POST /login", "POST /logout"}
