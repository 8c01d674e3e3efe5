"""A page of the shop with <job-monitor>, as somebody, and the application that lets it ask."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from fastapi import FastAPI
from playwright.sync_api import Browser, Page
from redis import Redis

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import make_token
from tests.board.browsing import DESKTOP, PATIENCE_MS, PHONE, Complaints
from tests.board.hosting import Host
from tests.monitoring.api.tokens import SECRET

Embed = Callable[..., Page]
HOUR = timedelta(hours=1)


def token(role: Role, tenant: str | None = None) -> str:
    settings = WebSettings(postroom_secret=SECRET)
    return make_token(
        role, subject="ann", ttl=HOUR, secret=SECRET, settings=settings, tenant=tenant
    )


def open_to(shop: Host, connection: Redis) -> FastAPI:
    """The application; pages of the shop may ask it."""
    settings = WebSettings(postroom_secret=SECRET, live_seconds=0.1, cors_origins=(shop.origin,))
    return create_app(connection=connection, settings=settings)


def streams(app: FastAPI) -> int:
    return len(app.state.live._watchers)


@contextmanager
def embedding(address: str, browser: Browser, shop: Host) -> Iterator[Embed]:
    """Open the page of the shop as somebody: `embed(Role.ADMIN, phone=True)`.

    At the end no page may have had a script that failed, or met what its policy refuses.
    """
    contexts, complaints = [], Complaints()

    def _embed(  # noqa: PLR0913 - who, how, and on what screen
        role: Role | None = Role.ADMIN,
        *,
        tenant: str | None = None,
        more: str = 'refresh-interval="1000"',
        phone: bool = False,
        typed: bool = True,
        prepare: Callable[[Page], object] = lambda _: None,
    ) -> Page:
        shop.serve(address, token=token(role, tenant) if role else None, more=more, typed=typed)
        width, height = PHONE if phone else DESKTOP
        context = browser.new_context(
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        contexts.append(context)
        complaints.hear(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        prepare(page)
        page.goto(f"{shop.origin}/")
        return page

    yield _embed
    for context in contexts:
        context.close()
    assert [each for each in complaints.of if "status of 40" not in each] == []
