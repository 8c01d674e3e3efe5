"""Pages of the board as they are sent, without a browser."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import BASE, SECRET, token_of

Read = Callable[..., str]

_BETWEEN = re.compile(r"\s*<[^>]*>\s*")


@pytest.fixture
def read(redis: Redis) -> Read:
    """The words of a page's main part: `read("/jobs")`; each mark-up between them is a blank."""
    web = WebSettings(postroom_secret=SECRET, live_seconds=0.01)
    client = TestClient(create_app(connection=redis, settings=web), base_url=BASE)
    client.headers["Authorization"] = f"Bearer {token_of(Role.SUPER_ADMIN, web)}"
    client.headers["Accept"] = "text/html"

    def _read(path: str) -> str:
        html = client.get(path).text
        main = html[html.index("<main") : html.index("</main>")]
        return " ".join(unescape(_BETWEEN.sub(" ", main)).split())

    return _read
