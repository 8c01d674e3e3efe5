"""Every route with a token for one tenant: it refuses, or tells nothing of the others.

What it says of something that is another tenant's is what it says of something that is not there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis

from messages import EmailMessage, MessageScanMessage
from monitoring.web.app import closed_routers, create_app
from monitoring.web.auth import declared
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.leaving import first_bytes
from tests.monitoring.api.tokens import BASE, token_of
from tests.workers.letters import bury_message
from workers import By, enqueue, keys, pause, publish
from workers.settings import Settings

MARKER = "mrkr"
QUEUE = f"{MARKER}-queue"
OWN_QUEUE, THEIR_QUEUE = "own_7", f"own_{MARKER}"
BY = By("ann", "because")
GUILD = "987654321012345678"  # of the others; digits, as their ids are
NOBODY = "123456789012345678"

LIVE = "live"
QUERIES = {
    "GET /api/search": ("?q=state:failed", "?q=state:waiting", "?q=type:EMAIL", "?q=since:1h"),
    "GET /api/jobs": ("", "?state=failed", "?state=waiting", "?type=EMAIL", f"?queue={QUEUE}"),
    "GET /api/dead-letters": ("", f"?text={MARKER}", f"?queue={QUEUE}", "?type=EMAIL"),
    "DELETE /api/dead-letters/{job_id}": ("?reason=because",),
}
WHY = {"reason": "because"}
BODIES = {
    "POST /api/dead-letters/{job_id}/replay": WHY,
    "POST /api/dead-letters/replay": {"filter": {}, **WHY, "dryRun": True},
    "POST /api/dead-letters/purge": {"filter": {}, **WHY, "dryRun": True},
    "POST /admin/jobs/retry/{queue}/{job_id}": {},
    "POST /api/jobs/retry": {"query": "state:failed", **WHY},
    "POST /api/jobs/cancel": {"query": "state:waiting", **WHY},
}


@dataclass(frozen=True)
class Theirs:
    """What others have, by what a path may name; and as many names of what is not there."""

    names: dict[str, tuple[str, str]]
    markers: tuple[str, ...]


ROUTES = sorted(
    f"{method} {each.path}" for each in declared(closed_routers()) for method in each.methods
)


@pytest.fixture
def app(redis: Redis, web: WebSettings) -> FastAPI:
    engine = Settings(queue_routes={"EMAIL": "own_{tenant}"})
    return create_app(connection=redis, settings=web, engine=engine)


@pytest.fixture
def seven(app: FastAPI, web: WebSettings) -> Iterator[TestClient]:
    bearer = {"Authorization": f"Bearer {token_of(Role.SUPER_ADMIN, web, tenant='7')}"}
    with TestClient(app, base_url=BASE, headers=bearer, raise_server_exceptions=False) as client:
        yield client


def an_email(tenant: str | None, subject: str = "Hello") -> EmailMessage:
    made = EmailMessage.of("ada@example.com", subject, "welcome")
    return made.model_copy(update={"metadata": tenant and {"tenant": tenant}})


def a_scan(guild: str) -> MessageScanMessage:
    return MessageScanMessage.model_validate({"data": {"guildId": guild, "channelId": "1"}})


@pytest.fixture
def theirs(redis: Redis) -> Theirs:
    """Jobs, letters, logs, streams, failures, pauses and queues of others; some of the tenant's."""
    ids = []
    for whose, queue in product((GUILD, MARKER, None), (QUEUE, THEIR_QUEUE, "email")):
        ids += [
            enqueue(an_email(whose, MARKER), queue=queue, connection=redis).id,
            enqueue(
                an_email(whose),
                queue=queue,
                delay=3_600,
                unique_key=MARKER + queue,
                connection=redis,
            ).id,
            bury_message(redis, an_email(whose, MARKER), queue=queue, error=f"it broke: {MARKER}"),
        ]
    ids.append(enqueue(a_scan(GUILD), queue=QUEUE, connection=redis).id)
    for name in ("7", "email"):
        bury_message(redis, an_email("7"), queue=name, error="it broke")
        enqueue(an_email("7"), queue=name, connection=redis)
    enqueue(an_email("7"), queue=OWN_QUEUE, connection=redis)
    redis.rpush(keys.job_log(ids[0]), f'{{"number": 1, "event": "{MARKER}"}}')
    publish(a_scan(GUILD), connection=redis)
    pause("tenant", MARKER, by=By("ann", MARKER), connection=redis)
    pause("queue", QUEUE, by=By("ann", MARKER), connection=redis)
    missing = "0190a0b0-0000-7000-8000-000000000000"
    names = {
        "{job_id}": (ids[0], missing),
        "{queue}": (THEIR_QUEUE, "own_none"),
        "{name}": (
            f"jobs:guild:{GUILD}:message_scan",
            "jobs:guild:123456789012345678:message_scan",
        ),
        "{guild_id}": (GUILD, "123456789012345678"),
        "{fingerprint}": ("0123456789ab", "0123456789ac"),
        "{channel}": (MARKER, "none"),
        "{consumer}": (MARKER, "none"),
        "{path:path}": (f"queue/{QUEUE}", "queue/none"),
    }
    return Theirs(names, (MARKER, GUILD, *ids))


def ask(client: TestClient, route: str, path: str):
    method = route.partition(" ")[0]
    if path.partition("?")[0].endswith(LIVE):
        return first_bytes(client, path)
    return client.request(method, path, json=BODIES.get(route))


def filled(path: str, names: dict[str, tuple[str, str]], which: int) -> str:
    for place, values in names.items():
        path = path.replace(place, values[which])
    return path


def test_what_others_have_is_answered_like_what_is_not_there(seven, theirs: Theirs) -> None:
    # In one test, because an application for each of ninety routes takes longer than to ask them.
    for route, query in ((each, query) for each in ROUTES for query in QUERIES.get(each, ("",))):
        path = route.partition(" ")[2]
        there = ask(seven, route, filled(path, theirs.names, 0) + query)
        missing = ask(seven, route, filled(path, theirs.names, 1) + query)
        told = there.text
        for name, other in theirs.names.values():
            told = told.replace(name, other)

        assert there.status_code == missing.status_code, route
        found = [each for each in theirs.markers if each in told and each not in path + query]
        assert not found, (route, told)
        if "{" in path:
            assert there.status_code >= 400, route
            assert told == missing.text, route


def test_no_job_of_others_is_known_by_its_id(seven, theirs: Theirs) -> None:
    missing = theirs.names["{job_id}"][1]
    ids = [each for each in theirs.markers if len(each) == len(missing)]
    for route in (each for each in ROUTES if "{job_id}" in each or "/why/" in each):
        path = route.partition(" ")[2].replace("{queue}", "email").replace("{name}", "{job_id}")
        query = QUERIES.get(route, ("",))[0]
        answers = set()
        for job_id in (*ids, missing):
            answer = ask(seven, route, path.replace("{job_id}", job_id) + query)
            answers.add((answer.status_code, answer.text.replace(job_id, "")))

        assert len(answers) == 1, route


def test_nothing_of_others_was_changed(seven, theirs: Theirs, redis: Redis) -> None:
    before = {key: redis.dump(key) for key in redis.scan_iter("*") if b"-plan:" not in key}
    for which, route in product((0, 1), ROUTES):
        path = filled(route.partition(" ")[2], theirs.names, which)
        ask(seven, route, path + QUERIES.get(route, ("",))[0])

    assert {key: redis.dump(key) for key in before} == before


def test_a_page_of_a_tenant_takes_as_long_whatever_others_have(
    seven, theirs: Theirs, redis: Redis
) -> None:
    asked = ("/api/jobs", "/api/search?q=state:failed", "/api/dead-letters?text=broke")
    few = [commands(redis, lambda path=path: seven.get(path)) for path in asked]
    for number in range(300):
        enqueue(an_email(MARKER, f"{number}"), queue="email", connection=redis)
        bury_message(redis, an_email(MARKER), queue="email", error="it broke")

    assert [commands(redis, lambda path=path: seven.get(path)) for path in asked] == few


def commands(redis: Redis, ask: Callable[[], object]) -> int:
    """How many commands the server is asked for meanwhile; the least, as others may ask, too."""

    def asked() -> int:
        before = redis.info("stats")["total_commands_processed"]
        ask()
        return redis.info("stats")["total_commands_processed"] - before

    return min(asked() for _ in range(3))
