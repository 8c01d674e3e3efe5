"""What a token for one tenant lists, finds and changes of that tenant's own."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis

from messages import EmailMessage, NoteEnrichmentMessage
from monitoring.jobs.own import get_own_jobs
from monitoring.search import search_jobs
from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import refusal
from tests.workers.letters import bury_message
from workers import By, dead_letters, enqueue, enqueue_many, keys, pause
from workers.routing import is_queue_of
from workers.settings import Settings

WHY = {"reason": "because"}
ROUTES = {"EMAIL": "own_{tenant}"}


def an_email(tenant: str, to: str = "ada@example.com") -> EmailMessage:
    return EmailMessage.of(to, "Hello", "welcome").model_copy(
        update={"metadata": {"tenant": tenant}}
    )


def sent(redis: Redis, tenant: str, count: int = 1, **options: object) -> list[str]:
    return [
        enqueue(an_email(tenant), queue="email", connection=redis, **options).id
        for _ in range(count)
    ]


@pytest.fixture
def app(redis: Redis, web: WebSettings) -> FastAPI:
    return create_app(connection=redis, settings=web, engine=Settings(queue_routes=ROUTES))


@pytest.fixture
def seven(bearing) -> TestClient:
    return bearing(Role.ADMIN, tenant="7")


@pytest.fixture
def all_of_it(bearing) -> TestClient:
    return bearing(Role.SUPER_ADMIN, tenant="7")


def ids_of(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [job["jobId"] for job in answer.json()["jobs"]]


def test_jobs_are_listed_page_by_page_each_once_the_last_sent_first(seven, redis) -> None:
    mine = []
    for _ in range(5):
        sent(redis, "8")
        mine += sent(redis, "7")

    pages, cursor = [], ""
    while cursor is not None:
        page = seven.get(f"/api/jobs?limit=2{cursor and '&cursor=' + cursor}")
        pages += ids_of(page)
        assert not page.json()["partial"]
        cursor = page.json()["cursor"]

    assert pages == mine[::-1]


def test_a_list_goes_by_queue_state_and_type(seven, redis) -> None:
    later = sent(redis, "7", delay=60)
    [now] = sent(redis, "7")
    note = NoteEnrichmentMessage.of("n").model_copy(update={"metadata": {"tenant": "7"}})
    enqueue(note, queue="notes", connection=redis)

    assert ids_of(seven.get("/api/jobs?state=delayed")) == later
    assert ids_of(seven.get("/api/jobs?state=waiting&queue=email")) == [now]
    assert ids_of(seven.get("/api/jobs?type=NOTE_ENRICHMENT")) == [note.message_id]
    assert ids_of(seven.get("/api/jobs?queue=none-such")) == []
    assert seven.get("/api/jobs?state=none-such").status_code == 422


def test_a_cursor_of_another_tenant_is_none(seven, bearing, redis) -> None:
    sent(redis, "8", 2)
    cursor = bearing(Role.MODERATOR, tenant="8").get("/api/jobs?limit=1").json()["cursor"]

    assert refusal(seven.get(f"/api/jobs?cursor={cursor}")) == "invalid_query"


def test_a_record_that_now_is_of_somebody_else_is_not_listed(seven, redis) -> None:
    message = an_email("7")
    enqueue(message, queue="email", connection=redis)
    redis.delete(keys.job(message.message_id))
    other = message.model_copy(update={"metadata": {"tenant": "8"}})
    enqueue(other, queue="email", connection=redis)

    assert ids_of(seven.get("/api/jobs")) == []
    assert seven.get(f"/api/jobs/{message.message_id}").status_code == 404


def test_a_job_that_an_older_release_stored_is_opened_by_its_id_and_not_listed(
    seven, redis
) -> None:
    [job_id] = sent(redis, "7")
    redis.hdel(keys.job(job_id), "tenant")

    assert ids_of(seven.get("/api/jobs")) == []
    assert seven.get(f"/api/jobs/{job_id}").status_code == 200


def test_a_search_finds_its_jobs_by_field_id_state_and_time(seven, redis) -> None:
    mine = an_email("7", "bob@example.com")
    for message in (an_email("8", "bob@example.com"), mine, an_email("7")):
        enqueue(message, queue="email", connection=redis)
    found = [mine.message_id]

    for query in ("to:bob@example.com", f"id:{mine.message_id}", "tenant:7 to:bob@example.com"):
        assert ids_of(seven.get("/api/search", params={"q": query})) == found
    assert len(ids_of(seven.get("/api/search?q=state:waiting since:1h"))) == 2


@pytest.mark.parametrize("query", ["tenant:8", "error:timeout"])
def test_a_search_for_what_is_known_of_others_only_is_refused(seven, query: str) -> None:
    answer = seven.get("/api/search", params={"q": query})

    assert (answer.status_code, refusal(answer)) == (422, "invalid_query")


def test_who_may_see_all_searches_for_a_tenant(moderator, redis) -> None:
    mine = sent(redis, "7", 3)
    sent(redis, "8", 3)

    for query in ("tenant:7", "tenant:7 state:waiting", "tenant:7 type:EMAIL queue:email"):
        found = ids_of(moderator.get("/api/search", params={"q": query}))
        assert sorted(found) == sorted(mine)
    assert ids_of(moderator.get("/api/search?q=tenant:9")) == []


def test_its_dead_letters_and_failures_are_listed_and_counted(seven, redis) -> None:
    mine = [bury_message(redis, an_email("7")) for _ in range(2)]
    bury_message(redis, an_email("8"))

    listed = seven.get("/api/dead-letters?limit=1").json()
    failed = seven.get("/api/failed-jobs").json()["queues"]["email"]

    assert [letter["jobId"] for letter in listed["letters"]] == mine[1:]
    assert listed["total"] == failed["count"] == 2
    assert [job["jobId"] for job in failed["jobs"]] == mine[::-1]


def test_its_letters_are_replayed_one_by_one_and_together(seven, redis) -> None:
    one, other = (bury_message(redis, an_email("7")) for _ in range(2))
    theirs = bury_message(redis, an_email("8"))

    again = seven.post(f"/api/dead-letters/{one}/replay", json=WHY).json()["newJobId"]
    shown = seven.post("/api/dead-letters/replay", json={"filter": {}, **WHY}).json()
    done = seven.post("/api/dead-letters/replay", json={"filter": {}, **WHY, "dryRun": False})

    assert seven.get(f"/api/jobs/{again}").status_code == 200
    assert shown["sample"] == done.json()["sample"] == [other]
    assert dead_letters.find(theirs, connection=redis) is not None


def test_its_letters_are_purged_by_who_may_destroy(seven, all_of_it, redis) -> None:
    mine, theirs = bury_message(redis, an_email("7")), bury_message(redis, an_email("8"))
    every = {"filter": {}, **WHY, "dryRun": False}

    assert seven.delete(f"/api/dead-letters/{mine}", params=WHY).status_code == 403
    assert all_of_it.delete(f"/api/dead-letters/{theirs}", params=WHY).status_code == 404
    assert all_of_it.delete(f"/api/dead-letters/{mine}", params=WHY).status_code == 200
    assert all_of_it.post("/api/dead-letters/purge", json=every).json()["count"] == 0
    assert dead_letters.find(theirs, connection=redis) is not None


def test_its_jobs_are_retried_promoted_cancelled_and_deleted(seven, redis) -> None:
    dead = bury_message(redis, an_email("7"))
    [later], [waits] = sent(redis, "7", delay=60), sent(redis, "7")

    retried = seven.post(f"/admin/jobs/retry/email/{dead}", json={})
    assert seven.get(f"/api/jobs/{retried.json()['newJobId']}").status_code == 200
    assert seven.post(f"/admin/jobs/email/{later}/promote").status_code == 200
    assert seven.post(f"/admin/jobs/email/{waits}/cancel").status_code == 200
    assert seven.delete(f"/admin/jobs/email/{waits}").status_code == 200


def test_a_retry_may_not_change_data_which_may_decide_whose_it_is(seven, redis) -> None:
    dead = bury_message(redis, an_email("7"))
    answer = seven.post(f"/admin/jobs/retry/email/{dead}", json={"dataOverrides": {"to": "b@c.de"}})

    assert (answer.status_code, refusal(answer)) == (403, "not_allowed")
    assert seven.patch(f"/api/dead-letters/{dead}", json={"data": {}, **WHY}).status_code == 403


def test_who_only_looks_changes_nothing_of_its_tenant_either(bearing, redis) -> None:
    [job_id] = sent(redis, "7")
    client = bearing(Role.MODERATOR, tenant="7")

    assert client.delete(f"/admin/jobs/email/{job_id}").status_code == 403


def test_why_tells_of_the_job_and_not_how_many_others_there_are(seven, moderator, redis) -> None:
    sent(redis, "8", 4)
    [job_id] = sent(redis, "7")
    path = f"/api/why/{job_id}"
    told, all_told = (each.get(path).json()["explanations"][0] for each in (seven, moderator))

    assert "4 jobs are ahead of it" in all_told["explanation"]
    assert "ahead" not in told["explanation"]
    assert "worker" not in told["explanation"]
    assert (told["state"], told["startsInSeconds"]) == ("waiting", None)


def test_why_tells_of_a_pause_and_of_how_the_job_died(seven, redis) -> None:
    [job_id] = sent(redis, "7")
    dead = bury_message(redis, an_email("7"), error="SMTPConnectError: refused")
    pause("queue", "email", by=By("ann", "a fire"), connection=redis)

    assert "email is paused by ann" in seven.get(f"/api/why/{job_id}").text
    assert "SMTPConnectError" in seven.get(f"/api/why/{dead}").text


def test_why_names_no_job_of_others_that_it_waits_for(seven, redis) -> None:
    [theirs] = sent(redis, "8")
    [mine] = sent(redis, "7", depends_on=theirs)

    told = seven.get(f"/api/why/{mine}").text
    assert "waits for 1 other job" in told
    assert theirs not in told


def test_a_queue_of_its_own_that_nobody_has_used_is_not_there(seven, redis) -> None:
    sent(redis, "8")
    answer = seven.get("/api/queues/own_7")

    assert answer.status_code == 404
    assert "email" not in answer.text


def test_the_queue_that_routes_make_of_a_tenant_is_its_own(seven, redis) -> None:
    enqueue_many([an_email("7")], queue="own_7", connection=redis)
    enqueue_many([an_email("8")], queue="own_8", connection=redis)
    queue = "/admin/jobs/queue/own_7"

    assert seven.get("/api/queues/own_7").json()["waiting"] == 1
    assert seven.get(queue).status_code == 200
    assert seven.patch(f"{queue}/pause", json=WHY).json()["paused"]
    assert not seven.patch(f"{queue}/resume", json=WHY).json()["paused"]
    assert seven.delete(f"{queue}/clear", params=WHY).status_code == 200
    for path in ("/api/queues/own_8", "/api/queues/email", "/api/queues/own_9"):
        answer = seven.get(path)
        assert answer.status_code == 404
        assert "own_7" not in answer.text


@pytest.mark.parametrize(
    ("routes", "queue", "is_own"),
    [
        ({"EMAIL": "mail_{tenant}"}, "mail_7", True),
        ({"EMAIL": "mail_{tenant}"}, "mail_8", False),
        ({"EMAIL": "mail_{tenant}", "TEST": "mail_7"}, "mail_7", False),
        ({"EMAIL": "mail_{tenant}", "TEST:8": "mail_7"}, "mail_7", False),
        ({"EMAIL:7": "seven"}, "seven", True),
        ({"EMAIL:8": "seven_{tenant}"}, "seven_7", False),
        ({"EMAIL": "{tenant}_x", "TEST": "7_{tenant}"}, "7_x", False),
        ({"EMAIL": "{tenant}_{tenant}"}, "7_7", True),
        ({"EMAIL": "{tenant}"}, "email", False),
        ({}, "email", False),
    ],
)
def test_a_queue_is_a_tenants_own_if_no_rule_leads_others_there(routes, queue, is_own) -> None:
    assert is_queue_of("7", queue, routes) == is_own


def test_many_jobs_of_a_tenant_are_looked_through_in_twenty_round_trips(redis) -> None:
    messages: Iterator[EmailMessage] = (an_email("7") for _ in range(3_000))
    enqueue_many(messages, queue="email", connection=redis)

    page = get_own_jobs("7", state="failed", seconds=60, connection=redis)
    found = search_jobs("to:nobody@example.com", tenant="7", seconds=60, connection=redis)

    assert (page["jobs"], page["cursor"], page["partial"]) == ([], None, False)
    assert found["roundTrips"] <= 20
    assert not found["partial"]
