"""No text becomes a script by way of the API or of its own pages: 200 try it."""

from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis

from messages import EmailMessage
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import make_token
from tests.monitoring.api.tokens import BASE, HOUR, SECRET
from tests.monitoring.pages import Seen
from tests.monitoring.payloads_xss import PAYLOADS
from tests.workers.letters import bury_message
from workers import By, enqueue_many, keys, pauses

LEAST = 200


def is_inert(answer) -> bool:
    """Whether a browser that opens an answer shows it as text."""
    headers = answer.headers
    return (
        headers["content-type"].split(";")[0] == "application/json"
        and headers["x-content-type-options"] == "nosniff"
        and "default-src 'none'" in headers["content-security-policy"]
    )


def mail(text: str) -> EmailMessage:
    return EmailMessage.of("ada@example.com", f"S{text}", "welcome", template_data={text: text})


@pytest.fixture
def poisoned(redis: Redis) -> list[str]:
    """The ids of jobs that have the texts in their payload; letters and the rest have them too."""
    ids = enqueue_many([mail(text) for text in PAYLOADS], connection=redis)
    for text in PAYLOADS:
        bury_message(redis, mail(text), error=text)
    for text in PAYLOADS[:9]:
        pauses.pause("tenant", text, by=By(text, text), connection=redis)
        redis.sadd(keys.queues(), keys.queue(text))
        redis.rpush(keys.queue(text), text)
    return ids


def test_what_is_answered_is_json_and_nothing_else(admin, poisoned: list[str], capsys) -> None:
    paths = ["/api/audit", "/api/overview", "/api/queue-stats?includeJobs=true", "/api/jobs"]
    paths += ["/api/dead-letters", "/api/failed-jobs", "/api/failures", "/api/health"]
    paths += [f"/api/jobs/{job_id}" for job_id in poisoned]
    paths += [f"/api/jobs?state={quote(text, safe='')}" for text in PAYLOADS]
    with admin:
        answers = {path: admin.get(path) for path in paths}
        refused = admin.post("/api/jobs", json={"messageType": PAYLOADS[0]})

    assert not [path for path, answer in answers.items() if not is_inert(answer)]
    assert {answers[path].status_code for path in paths if "state=" not in path} == {200}
    assert PAYLOADS[-1] in answers[f"/api/jobs/{poisoned[-1]}"].json()["message"]["data"]["subject"]
    assert is_inert(refused)
    with capsys.disabled():
        print(f"\n{len(PAYLOADS)} texts came back inert from the API.")  # noqa: T201
    assert len(set(PAYLOADS)) >= LEAST


def test_the_pages_of_the_login_show_texts_as_they_are(app: FastAPI, web: WebSettings) -> None:
    browser = TestClient(app, base_url=BASE)

    def login(text: str) -> str:
        return browser.get("/login", params={"code": text, "next": text}).text

    def account(text: str) -> str:
        token = make_token(Role.ADMIN, subject=text, ttl=HOUR, secret=SECRET, settings=web)
        asked_as = {"Authorization": f"Bearer {token}"}
        return browser.get("/board/dialogs/account", headers=asked_as).text

    with browser:
        for page in (login, account):
            shape = Seen(page("harmless")).shape
            assert not [text for text in PAYLOADS if Seen(page(text)).shape != shape]
