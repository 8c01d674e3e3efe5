"""No text in Redis becomes anything but text on a page: 200 try it, wherever one is shown."""

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.board.poisoned import SOME, Poisoned, poison
from tests.monitoring.api.tokens import BASE, SECRET, token_of
from tests.monitoring.pages import Seen
from tests.monitoring.payloads_xss import PAYLOADS

LEAST = 200
MOST_PAGES = 120
_NEXT = re.compile(r'href="([^"]*[?&](?:cursor|page)=[^"]*)"')
_NEVER = {
    *("iframe", "object", "embed", "base", "math", "video", "audio", "source", "animate"),
    *("style", "img", "mglyph", "frame", "applet"),
}
_REFERS = ("href", "src", "action", "formaction", "data-url", "data-href")


@pytest.fixture
def poisoned(redis: Redis) -> Poisoned:
    return poison(redis)


def paths(poisoned: Poisoned) -> list[str]:
    """Every place, and the page of each thing whose name or content is one of the texts."""
    queue, stream = quote(poisoned.queue, safe=""), quote(poisoned.stream, safe="")
    return [
        *("/", "/jobs", "/failures", "/failures?state=muted", "/queues", "/workers", "/messages"),
        *("/messages/EMAIL", "/insights", "/settings", "/settings?tab=audit"),
        *(f"/jobs/{poisoned.job}", f"/jobs/{poisoned.letter}"),
        *(f"/queues/{queue}", f"/streams/{stream}"),
        *(f"/jobs?q={quote(text, safe='')}" for text in SOME[:3]),
        *(f"/board/palette?q={quote(text, safe='')}" for text in SOME[:3]),
        f"/board/dialogs/pause?kind=tenant&name={queue}",
        f"/board/dialogs/resume?kind=tenant&name={queue}",
        f"/board/dialogs/requeue?job={poisoned.letter}",
    ]


def wrong_in(html: str) -> Iterator[str]:
    """What no page of ours has."""
    scripts = 0
    for tag, attributes in Seen(html).tags:
        scripts += tag == "script"
        if tag in _NEVER or (tag == "meta" and "http-equiv" in attributes):
            yield f"<{tag}>"
        for name, value in attributes.items():
            text = (value or "").strip().lower()
            if name.startswith("on") or name in {"style", "srcdoc"}:
                yield f"<{tag} {name}>"
            if name in _REFERS and text.startswith(("javascript:", "//", "data:text")):
                yield f"<{tag} {name}={value}>"
    if scripts > 1:
        yield f"{scripts} scripts"


def test_no_page_has_an_element_that_a_text_made(
    app: FastAPI, poisoned: Poisoned, web: WebSettings, capsys
) -> None:
    client = TestClient(app, base_url=BASE)
    client.headers["Authorization"] = f"Bearer {token_of(Role.SUPER_ADMIN, web)}"
    left, seen = deque(paths(poisoned)), {}
    while left and len(seen) < MOST_PAGES:
        path = left.popleft()
        if path in seen:
            continue
        answer = client.get(path, headers={"Accept": "text/html"})
        seen[path] = answer.text
        assert answer.status_code == 200, path
        left.extend(unescape(each) for each in _NEXT.findall(answer.text))

    assert {path: [*wrong_in(html)] for path, html in seen.items() if [*wrong_in(html)]} == {}
    shown = unescape("".join(seen.values()))
    missing = [text for text in PAYLOADS if text not in shown]
    with capsys.disabled():
        print(f"\n{len(PAYLOADS)} texts came back inert from {len(seen)} pages.")  # noqa: T201
    assert len(PAYLOADS) - len(missing) >= LEAST


def test_in_a_browser_none_of_them_runs(visit, address: str, poisoned: Poisoned) -> None:
    page = visit("")
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    for path in paths(poisoned):
        if path.startswith("/board/"):
            continue
        page.goto(f"{address}{path}")
        assert page.title().endswith(" · Postroom")
        assert page.locator("h1").count() == 1, path

    assert opened == []
    assert [url for url in asked if not url.startswith(address)] == []


@pytest.fixture
def web() -> WebSettings:
    return WebSettings(postroom_secret=SECRET)
