"""Who gets into rq-dashboard, wherever it is mounted, and who may change something there."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis
from rq import Queue
from rq.job import Job

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import BASE, SECRET, refusal, token_of

HTML = {"Accept": "text/html"}
OURS = {"Origin": BASE}


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=BASE, follow_redirects=False)


def log_in(browser: TestClient, web: WebSettings, role: Role = Role.ADMIN, **form: str):
    return browser.post("/login", data={"token": token_of(role, web), **form})


def test_a_browser_comes_back_after_the_login_to_where_it_wanted_to_go(
    browser: TestClient, web: WebSettings
) -> None:
    asked = browser.get("/rq/0/view/job/a%20b", params={"x": "1 2"}, headers=HTML)
    form = browser.get(asked.headers["location"]).text

    assert asked.status_code == 303
    assert asked.headers["location"] == "/login?next=/rq/0/view/job/a%2520b%3Fx%3D1%2B2"
    assert '<input type="hidden" name="next" value="/rq/0/view/job/a%20b?x=1+2">' in form
    there = log_in(browser, web, next="/rq/0/view/workers")
    assert (there.status_code, there.headers["location"]) == (303, "/rq/0/view/workers")
    assert browser.get("/rq/0/view/workers").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "/../elsewhere",
        "/%2e%2e/elsewhere",
        "/%252e%252e/elsewhere",
        '/"><script>alert(1)</script>',
        "rq",
        "",
    ],
)
def test_the_login_leads_nowhere_but_to_a_path_of_ours(
    browser: TestClient, web: WebSettings, wanted: str
) -> None:
    shown = browser.get("/login", params={"next": wanted}).text

    assert 'name="next" value="/"' in shown
    assert log_in(browser, web, next=wanted).headers["location"] == "/"


def test_a_wrong_token_does_not_forget_where_it_was_to_lead(browser: TestClient) -> None:
    answer = browser.post("/login", data={"token": "x", "next": "/rq/"})

    assert answer.status_code == 401
    assert 'name="next" value="/rq/"' in answer.text


def test_only_who_acts_on_all_tenants_gets_in(bearing) -> None:
    assert bearing(Role.ADMIN).get("/rq/").status_code == 200
    assert bearing(Role.MODERATOR).get("/rq/").status_code == 403
    assert bearing(Role.SUPER_ADMIN, tenant="7").get("/rq/").status_code == 403
    assert refusal(bearing(None).get("/rq/")) == "not_authenticated"
    assert refusal(bearing(None).get("/rq/static/css/main.css")) == "not_authenticated"


def test_the_board_leads_there_those_who_may_go(bearing) -> None:
    link, page = 'href="/rq/"', "/board/dialogs/account"

    assert link in bearing(Role.ADMIN).get(page).text
    assert link not in bearing(Role.MODERATOR).get(page).text
    assert link not in bearing(Role.ADMIN, tenant="7").get(page).text


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9181"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site"} | OURS,
    ],
)
def test_another_site_cannot_make_a_browser_change_anything(
    browser: TestClient, web: WebSettings, queue: Queue, failed_job: Job, told: dict[str, str]
) -> None:
    log_in(browser, web)
    answer = browser.post(f"/rq/job/{failed_job.id}/requeue", headers=told)

    assert answer.status_code == 403
    assert refusal(answer) == "foreign_origin"
    assert queue.job_ids == []


@pytest.mark.parametrize("told", [OURS, {"Sec-Fetch-Site": "same-origin"}])
def test_its_own_pages_can(
    browser: TestClient, web: WebSettings, queue: Queue, failed_job: Job, told: dict[str, str]
) -> None:
    log_in(browser, web)

    assert browser.post("/rq/requeue/email", headers=told).json() == {"count": 1, "status": "OK"}
    assert queue.job_ids == [failed_job.id]


def test_a_link_changes_nothing(admin, queue: Queue, failed_job: Job) -> None:
    for path in (
        "/rq/requeue/email",
        f"/rq/job/{failed_job.id}/requeue",
        f"/rq/job/{failed_job.id}/delete",
        "/rq/queue/email/failed/empty",
    ):
        assert admin.get(path).status_code == 405
    assert queue.job_ids == []
    assert queue.failed_job_registry.get_job_ids() == [failed_job.id]


@pytest.mark.parametrize(
    ("prefix", "place"), [("/api/v1", ""), ("", "/postroom"), ("/api/v1", "/postroom")]
)
def test_its_links_are_right_wherever_it_is_mounted(
    redis: Redis, queue: Queue, failed_job: Job, prefix: str, place: str
) -> None:
    web = WebSettings(postroom_secret=SECRET, api_prefix=prefix)
    outer = FastAPI()
    outer.mount(place, create_app(connection=redis, settings=web))
    browser = TestClient(outer, base_url=BASE, follow_redirects=False)
    root = f"{place}{prefix}"
    asked = browser.get(f"{root}/rq/0/view/workers", headers=HTML)
    browser.post(f"{root}/login", data={"token": token_of(Role.ADMIN, web)})
    page = browser.get(f"{root}/rq/").text
    told = browser.get(f"{root}/rq/0/data/queues.json").json()

    assert asked.headers["location"] == f"{root}/login?next=/rq/0/view/workers"
    assert f'<script src="{root}/rq/static/js/jquery-3.5.1.min.js"' in page
    assert f'var url = "{root}/rq/";' in page
    assert told["queues"][0]["failed_url"] == f"{root}/rq/0/view/jobs/email/failed/8/asc/1"
    assert browser.get(f"{root}/rq/static/css/main.css").status_code == 200
    answer = browser.post(f"{root}/rq/job/{failed_job.id}/requeue", headers=OURS)
    assert answer.status_code == 200
    assert queue.job_ids == [failed_job.id]


@pytest.mark.parametrize("place", ["", "/postroom"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example/x", ""])
def test_it_leads_to_its_own_pages_whatever_host_is_asked_for(
    app: FastAPI, web: WebSettings, place: str, host: str
) -> None:
    outer = FastAPI()
    outer.mount(place, app)
    browser = TestClient(outer, base_url=BASE, follow_redirects=False)
    told = {"Host": host, "Authorization": f"Bearer {token_of(Role.ADMIN, web)}"}
    for asked, shown in (
        ("0/view/queues", ""),
        ("0?a=%2F&b", "0/?a=%2F&b"),
        ("0//view/jobs", "0/view/jobs"),
    ):
        answer = browser.get(f"{BASE}{place}/rq/{asked}", headers=told)

        assert (answer.status_code, answer.headers["location"]) == (308, f"{place}/rq/{shown}")
