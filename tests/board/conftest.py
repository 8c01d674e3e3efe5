"""The board as people meet it: the real application, a real server, a real browser."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from monitoring.web.app import create_app
from monitoring.web.identity import Identity, Role
from monitoring.web.sessions import COOKIE
from monitoring.web.settings import WebSettings
from tests.board.browsing import DESKTOP, PATIENCE_MS, PHONE, SHARED, Complaints
from tests.board.embedding import Embed, embedding
from tests.board.hosting import Host, host
from tests.board.keys import take_the_mouse_away
from tests.fresh import fresh_settings
from tests.monitoring.api.tokens import SECRET
from tests.monitoring.api.watching import served
from workers.clock import utc_now

Visit = Callable[..., Page]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    with fresh_settings():
        yield


@pytest.fixture
def browser() -> Browser:
    """The browser of this test process; see `tests/conftest.py` for its end."""
    return SHARED.get()


@pytest.fixture
def app(redis: Redis) -> FastAPI:
    """The application, which looks often, so that no test waits for a tick."""
    settings = WebSettings(postroom_secret=SECRET, live_seconds=0.2)
    return create_app(connection=redis, settings=settings)


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """Where the application answers."""
    with served(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def visit(app: FastAPI, address: str, browser: Browser) -> Iterator[Visit]:
    """Open a page as somebody: `visit("/jobs", Role.ADMIN, dark=True, phone=True)`.

    Without a path it is empty, for who wants to prepare it first.

    At the end no page may have had a script that failed, or met what the policy refuses.
    """
    contexts, complaints = [], Complaints()

    def _visit(
        path: str,
        role: Role = Role.SUPER_ADMIN,
        *,
        tenant: str | None = None,
        dark: bool = False,
        phone: bool = False,
    ) -> Page:
        width, height = PHONE if phone else DESKTOP
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=phone,
            reduced_motion="reduce",
        )
        contexts.append(context)
        complaints.hear(context)
        context.set_default_timeout(PATIENCE_MS)
        sessions = app.state.authenticator.sessions
        ann = Identity("ann", role, tenant, "cookie")
        context.add_cookies(
            [{"name": COOKIE, "value": sessions.cookie(ann, now=utc_now()), "url": address}]
        )
        page = context.new_page()
        if path:
            page.goto(f"{address}{path}")
        return page

    yield _visit
    for context in contexts:
        context.close()
    assert complaints.of == []


@pytest.fixture
def by_keys(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """`visit` for a test that has a keyboard only; see `tests/board/keys.py`."""
    take_the_mouse_away(monkeypatch)
    return visit


@pytest.fixture(scope="session")
def shop() -> Iterator[Host]:
    """Another origin."""
    with host() as found:
        yield found


@pytest.fixture
def embed(address: str, browser: Browser, shop: Host) -> Iterator[Embed]:
    """Open a page of the shop with <job-monitor>, as `embedding` does."""
    with embedding(address, browser, shop) as opens:
        yield opens
