"""The module of <job-monitor>: anybody may load it, from any page, and a browser keeps it."""

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.board.assets import SHEETS, version
from monitoring.web.app import OPEN_ROUTERS, create_app
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import SECRET

OPEN = {
    "GET /login",
    "POST /login",
    "POST /logout",
    "GET /board/assets/{of}/{name}",
    "GET /job-monitor.js",
}
"""Written by hand: what answers without a token, beside the probes."""

MOST_BYTES = 60_000
"""All parts together, uncompressed; a page that shows no trends and changes nothing loads fewer."""

SHOP = "https://shop.example"


@pytest.fixture
def app(redis: Redis) -> FastAPI:
    web = WebSettings(postroom_secret=SECRET, api_prefix="/api/v1", cors_origins=SHOP)
    return create_app(connection=redis, settings=web)


@pytest.fixture
def anybody(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="https://ops.example/api/v1/")


def test_what_is_open_is_known() -> None:
    routes = [each for router in OPEN_ROUTERS for each in router.routes]
    found = [each for each in routes if isinstance(each, APIRoute)]

    assert len(found) == len(routes)
    assert {f"{method} {each.path}" for each in found for method in each.methods} == OPEN


@pytest.mark.parametrize("origin", [SHOP, "https://other.example"])
def test_pages_of_any_origin_may_load_it_and_all_that_it_needs(anybody, origin: str) -> None:
    answer = anybody.get("job-monitor.js", headers={"Origin": origin})
    seen, wanted = set(), re.findall(r'"\./(board/assets/[^"]+)"', answer.text)
    parts = {wanted[0]: anybody.get(wanted[0], headers={"Origin": origin})}
    while unseen := set(parts) - seen:
        for path in unseen:
            seen.add(path)
            for name in re.findall(r'"\./([\w.-]+\.js)"', parts[path].text):
                near = f"board/assets/{version()}/{name}"
                parts.setdefault(near, anybody.get(near, headers={"Origin": origin}))

    assert len(parts) > 5
    assert sum(len(each.content) for each in parts.values()) <= MOST_BYTES
    for each in (answer, *parts.values()):
        assert each.status_code == 200
        assert each.headers["content-type"].startswith("text/javascript")
        assert each.headers["access-control-allow-origin"] in {"*", origin}
        assert each.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "access-control-allow-credentials" not in each.headers
    assert all("immutable" in each.headers["cache-control"] for each in parts.values())


def test_a_browser_asks_whether_it_has_changed_and_need_not_load_it_again(anybody) -> None:
    tag = anybody.get("job-monitor.js").headers["etag"]

    again = anybody.get("job-monitor.js", headers={"If-None-Match": tag})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["access-control-allow-origin"] == "*"
    other = anybody.get("job-monitor.js", headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


def test_its_colours_are_those_of_the_board(anybody) -> None:
    assets = f"board/assets/{version()}"
    shell = anybody.get(f"{assets}/shell.css").text
    own = anybody.get(f"{assets}/job-monitor.css").text
    tokens = dict(re.findall(r"--([\w-]+):(light-dark\(#[^)]+\))", shell.partition(":root{")[2]))
    ours = dict(re.findall(r"--_([\w-]+):var\(--[\w-]+,(light-dark\([^)]+\))\)", own))

    assert "job-monitor" in SHEETS
    assert len(ours) > 25
    assert ours == {name: tokens[name] for name in ours}
