"""Logging in with a browser: a cookie that scripts cannot read, and changes from own pages only."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.sessions import COOKIE
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import BASE, SECRET, refusal, token_of
from workers import keys, watch_keys
from workers.clock import utc_now
from workers.errors import SettingInvalid

PAUSE = "/admin/jobs/queue/email/pause"


def browser_of(app: FastAPI, base: str = BASE) -> TestClient:
    return TestClient(app, base_url=base, follow_redirects=False)


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    return browser_of(app)


def log_in(browser: TestClient, web: WebSettings, role: Role = Role.ADMIN):
    return browser.post("/login", data={"token": token_of(role, web)})


def shown_by(browser: TestClient) -> dict[str, str]:
    return {"X-CSRF-Token": browser.get("/api/session").json()["csrfToken"]}


def test_a_token_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_can_use(
    browser: TestClient, web: WebSettings
) -> None:
    answer = log_in(browser, web)
    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"]) == ("strict", "/")
    assert browser.get("/api/session").json()["role"] == "ADMIN"


def test_over_https_the_cookie_is_sent_over_https_only(app: FastAPI, web: WebSettings) -> None:
    answer = log_in(browser_of(app, "https://board.example"), web)

    assert SimpleCookie(answer.headers["set-cookie"])[COOKIE]["secure"]


def test_a_browser_that_is_not_logged_in_is_shown_the_form(browser: TestClient) -> None:
    answer = browser.get("/", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert '<form method="post" action="/login">' in browser.get("/login").text


def test_the_board_tells_who_is_logged_in(browser: TestClient, web: WebSettings) -> None:
    log_in(browser, web)

    account = browser.get("/board/dialogs/account").text
    assert "You are ann" in account
    assert "Role ADMIN." in account


def test_a_wrong_token_shows_the_form_again_and_says_why(browser: TestClient) -> None:
    answer = browser.post("/login", data={"token": "<script>alert(1)</script>"})

    assert answer.status_code == 401
    assert "The token is not valid." in answer.text
    assert "<script>" not in answer.text
    assert "set-cookie" not in answer.headers


def test_logging_out_takes_the_cookie_back(browser: TestClient, web: WebSettings) -> None:
    log_in(browser, web)
    browser.post("/logout")

    assert browser.get("/api/session").status_code == 401


def test_a_change_by_cookie_needs_the_token_of_the_login(
    redis, browser: TestClient, web: WebSettings
) -> None:
    log_in(browser, web)

    assert browser.patch(PAUSE).status_code == 403
    assert browser.patch(PAUSE, headers={"X-CSRF-Token": "0" * 64}).status_code == 403
    assert not redis.exists(keys.pauses())
    assert browser.patch(PAUSE, headers=shown_by(browser)).status_code == 200
    assert redis.exists(keys.pauses())


def test_the_token_of_another_login_is_worth_nothing(app: FastAPI, web: WebSettings) -> None:
    one, other = browser_of(app), browser_of(app)
    log_in(one, web)
    log_in(other, web)

    assert one.patch(PAUSE, headers=shown_by(other)).status_code == 403


@pytest.mark.parametrize(
    "told",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_cannot_make_the_browser_change_anything(
    redis, browser: TestClient, web: WebSettings, told: dict[str, str]
) -> None:
    log_in(browser, web)
    answer = browser.patch(PAUSE, headers=shown_by(browser) | told)

    assert answer.status_code == 403
    assert refusal(answer) == "foreign_origin"
    assert browser.post("/login", data={"token": "x"}, headers=told).status_code == 403
    assert not redis.exists(keys.pauses())


def test_a_login_ends(app: FastAPI, web: WebSettings, browser: TestClient) -> None:
    found = app.state.authenticator
    identity = found.tokens.identity(token_of(Role.ADMIN, web))
    long_ago = utc_now() - found.sessions.lasts - timedelta(seconds=1)
    browser.cookies.set(COOKIE, found.sessions.cookie(identity, now=long_ago))

    assert browser.get("/api/session").status_code == 401


def test_a_bearer_token_is_no_cookie(browser: TestClient, web: WebSettings) -> None:
    browser.cookies.set(COOKIE, token_of(Role.SUPER_ADMIN, web))

    assert browser.get("/api/session").status_code == 401


def test_after_ten_failures_an_address_has_to_wait_in_every_process(
    redis, browser: TestClient, web: WebSettings
) -> None:
    for _ in range(10):
        assert browser.post("/login", data={"token": "x"}).status_code == 401
    elsewhere = browser_of(create_app(connection=redis, settings=web))

    assert browser.post("/login", data={"token": "x"}).status_code == 429
    assert log_in(elsewhere, web).status_code == 429
    assert 0 < redis.ttl(watch_keys.watch_logins("testclient")) <= 60


def test_a_demo_is_entered_once_by_its_code(redis) -> None:
    app = create_app(connection=redis, settings=WebSettings(postroom_demo=True))
    code = app.state.one_time_code.text
    first, second = browser_of(app), browser_of(app)

    assert code in first.get(f"/login?code={code}").text
    assert first.post("/login", data={"code": code}).status_code == 303
    assert first.get("/api/session").json()["role"] == "SUPER_ADMIN"
    assert second.post("/login", data={"code": code}).status_code == 401


def test_where_there_is_a_secret_no_code_logs_in(browser: TestClient) -> None:
    assert browser.post("/login", data={"code": "x"}).status_code == 401


@pytest.mark.parametrize("path", ["/login", "/healthz", "/api/session", "/none"])
def test_nothing_is_shown_in_frames_or_run_from_elsewhere(browser: TestClient, path: str) -> None:
    headers = browser.get(path).headers

    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_a_page_of_another_origin_may_ask_with_a_token_if_it_is_named(redis) -> None:
    web = WebSettings(postroom_secret=SECRET, cors_origins="https://app.example")
    browser = browser_of(create_app(connection=redis, settings=web))
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization",
    }
    good = browser.options(PAUSE, headers={"Origin": "https://app.example", **asked})
    bad = browser.options(PAUSE, headers={"Origin": "https://evil.example", **asked})

    assert good.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in good.headers
    assert "access-control-allow-origin" not in bad.headers


def test_everything_but_the_probes_may_stand_under_a_prefix(redis) -> None:
    web = WebSettings(postroom_secret=SECRET, api_prefix="/api/v1")
    browser = browser_of(create_app(connection=redis, settings=web))
    log_in_there = browser.post("/api/v1/login", data={"token": token_of(Role.ADMIN, web)})

    assert log_in_there.headers["location"] == "/api/v1/"
    assert browser.get("/api/v1/api/session").status_code == 200
    assert browser.get("/api/session").status_code == 404
    assert browser.get("/healthz").status_code == 200


def test_it_can_be_mounted_in_another_application(app: FastAPI, web: WebSettings) -> None:
    outer = FastAPI()
    outer.mount("/postroom", app)
    browser = browser_of(outer)
    answer = browser.post("/postroom/login", data={"token": token_of(Role.ADMIN, web)})

    assert answer.headers["location"] == "/postroom/"
    assert SimpleCookie(answer.headers["set-cookie"])[COOKIE]["path"] == "/postroom/"
    assert browser.get("/postroom/api/session").json()["role"] == "ADMIN"


def test_an_application_may_say_itself_who_asks(redis) -> None:
    web = WebSettings(postroom_secret=SECRET, auth="tests.monitoring.own_auth:by_header")
    browser = browser_of(create_app(connection=redis, settings=web))
    ada = {"X-User": "ada"}

    assert browser.get("/api/session").status_code == 401
    assert browser.get("/api/session", headers=ada).json()["subject"] == "ada"
    assert browser.patch(PAUSE, headers=ada | {"Origin": "https://evil.example"}).status_code == 403
    assert browser.patch(PAUSE, headers=ada).status_code == 200


def test_a_function_that_is_not_there_is_told_at_start(redis) -> None:
    web = WebSettings(postroom_secret=SECRET, auth="tests.monitoring.own_auth:none")
    with pytest.raises(SettingInvalid) as refused:
        create_app(connection=redis, settings=web)

    assert refused.value.field == "AUTH"


def test_browsers_may_tell_where_a_form_comes_from(browser: TestClient) -> None:
    # With `no-referrer` they send forms with `Origin: null`, and the login would refuse its own.
    assert browser.get("/login").headers["referrer-policy"] == "same-origin"
