"""The API in applications of FastAPI, Django and Flask, as docs/mount.md has them, served."""

import asyncio
import importlib
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from threading import Thread
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Client
from redis import Redis
from werkzeug.serving import make_server

from monitoring.web.app import attended, create_app
from monitoring.web.identity import Role
from monitoring.web.sessions import COOKIE, CSRF_HEADER
from monitoring.web.settings import WebSettings
from tests.docs.documents import ROOT, blocks
from tests.monitoring.api.tokens import SECRET, refusal, token_of
from tests.monitoring.api.watching import Stream
from tests.processes import Eventually
from workers import watch_keys

WEB = WebSettings(postroom_secret=SECRET)
_FILE = re.compile(r"# (shop/\w+\.py)\n")
_KINDS = ("fastapi", "django", "flask")


@dataclass
class Shop:
    """An application that is served, and who asks it."""

    kind: str
    port: int
    role: Role = Role.ADMIN
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(base_url=f"http://127.0.0.1:{self.port}")

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {token_of(self.role, WEB)}"}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/postroom{path}", headers=self.bearer | headers)


@pytest.fixture
def shop(request, redis: Redis, tmp_path, monkeypatch) -> Iterator[Shop]:
    monkeypatch.setenv("POSTROOM_SECRET", SECRET)
    monkeypatch.setenv("LIVE_SECONDS", "0.05")
    monkeypatch.syspath_prepend(str(tmp_path))
    for block in blocks((ROOT / "docs" / "mount.md").read_text(), "mount.md"):
        if found := _FILE.match(block.text):
            path = tmp_path / found[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
    kind: str = request.param
    try:
        module: Any = importlib.import_module(f"shop.{kind}_app")
        with (wsgi if kind == "flask" else asgi)(module.app) as port:
            shop = Shop(kind, port)
            with shop.client:
                yield shop
        if kind == "flask":  # it has no lifespan, and would look on beside later tests
            asyncio.run_coroutine_threadsafe(
                _ended(module.postroom.app), module.postroom.loop
            ).result(5)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]


every_shop = pytest.mark.parametrize("shop", _KINDS, indirect=True)
with_lifespan = pytest.mark.parametrize("shop", _KINDS[:2], indirect=True)


async def _ended(postroom: FastAPI) -> None:
    postroom.state.live.end()


@contextmanager
def asgi(app: Any) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, access_log=False, log_level="critical", lifespan="on", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with _running(lambda: server.run(sockets=[listener])):
        yield listener.getsockname()[1]
        server.should_exit = True


@contextmanager
def wsgi(app: Any) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    with _running(server.serve_forever):
        yield server.server_port
        server.shutdown()
    server.server_close()


@contextmanager
def _running(target: Callable[[], None]) -> Iterator[None]:
    thread = Thread(target=target, daemon=True)
    thread.start()
    yield
    thread.join(10)
    assert not thread.is_alive()


@every_shop
def test_the_application_has_its_own_pages_and_postroom_has_a_path_of_its_own(shop: Shop) -> None:
    assert shop.client.get("/").json() == {"shop": "open"}
    assert shop.client.get("/postroom/healthz").json() == {"status": "ok"}
    assert shop.client.get("/postroom/readyz").json() == {"status": "ok"}
    assert shop.client.get("/healthz").status_code == 404


@every_shop
def test_it_is_closed_without_a_token_and_open_with_one(shop: Shop) -> None:
    assert refusal(shop.client.get("/postroom/admin/jobs/metrics")) == "not_authenticated"
    assert shop.get("/admin/jobs/metrics").json()["successRate"] == 100.0
    assert shop.get("/api/session").json()["role"] == "ADMIN"
    assert "/admin/jobs/metrics" in shop.get("/openapi.json").json()["paths"]
    assert shop.get("/rq/").status_code == 200


@every_shop
def test_a_browser_logs_in_and_changes_something_there(shop: Shop) -> None:
    browser, origin = shop.client, {"Origin": f"http://127.0.0.1:{shop.port}"}
    logged_in = browser.post("/postroom/login", data={"token": token_of(Role.ADMIN, WEB)})
    pause = "/postroom/admin/jobs/queue/email/pause"

    assert logged_in.headers["location"] == "/postroom/"
    assert SimpleCookie(logged_in.headers["set-cookie"])[COOKIE]["path"] == "/postroom/"
    token = browser.get("/postroom/api/session").json()["csrfToken"]
    assert browser.patch(pause, headers=origin).status_code == 403
    assert browser.patch(pause, headers=origin | {CSRF_HEADER: token}).status_code == 200
    assert shop.get("/admin/jobs/queue/email").json()["paused"] is True


@every_shop
def test_live_streams_come_through(shop: Shop) -> None:
    with Stream(shop.port, "/postroom/admin/jobs/live", **shop.bearer) as stream:
        first = stream.next()

    assert first is not None
    assert first.data["totals"]["waiting"] == 0


@with_lifespan
def test_the_lifespan_alerts_people(shop: Shop, redis: Redis, eventually: Eventually) -> None:
    assert eventually(lambda: redis.exists(watch_keys.alert_turn())), shop.kind


@pytest.mark.parametrize("shop", ["flask"], indirect=True)
def test_without_a_lifespan_nobody_is_alerted(shop: Shop, redis: Redis) -> None:
    assert shop.get("/api/alerts").json() == {"alerts": []}
    assert not redis.exists(watch_keys.alert_turn())


def test_streams_can_be_turned_off(redis: Redis) -> None:
    web = WebSettings(postroom_secret=SECRET, live_clients=0)
    client = TestClient(create_app(connection=redis, settings=web))
    client.headers["Authorization"] = f"Bearer {token_of(Role.ADMIN, web)}"

    answer = client.get("/admin/jobs/live")

    assert (answer.status_code, refusal(answer)) == (503, "too_many_clients")
    assert "poll" in answer.json()["error"]["remedy"]
    polled = client.get("/admin/jobs/live", headers={"Accept": "application/json"})
    assert polled.status_code == 200


def test_what_is_attended_ends_with_the_lifespan(redis: Redis, eventually: Eventually) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with attended(postroom):
            yield

    postroom = create_app(connection=redis, settings=WEB)
    with TestClient(FastAPI(lifespan=lifespan)):
        assert eventually(lambda: redis.exists(watch_keys.alert_turn()))

    assert not redis.exists(watch_keys.alert_turn())
