"""A parameter that a route does not know is refused, and nothing is done."""

import re

import pytest
from fastapi.routing import APIRoute

from monitoring.web.app import closed_routers
from tests.monitoring.api.tokens import refusal
from workers import keys

JSON = {"Content-Type": "application/json"}
ROUTES = [
    (method, route.path)
    for router in closed_routers()
    for route in router.routes
    if isinstance(route, APIRoute) and "browser" not in route.tags
    for method in sorted(route.methods)
]


def error_of(answer) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return answer.json()["error"]


def test_a_dry_run_that_is_misspelt_removes_nothing(redis, admin) -> None:
    redis.sadd(keys.queues(), keys.queue("default"))
    redis.zadd(keys.finished("default"), {"one": 9e12})
    error = error_of(admin.delete("/admin/jobs/queue/default/clear", params={"dryrun": "true"}))

    assert (error["code"], error["field"]) == ("invalid_query", "dryrun")
    assert error["remedy"] == "Did you mean dryRun?"
    assert redis.zcard(keys.finished("default")) == 1


def test_a_parameter_that_is_there_twice_is_refused(admin) -> None:
    path = "/admin/jobs/queue/default/clear"
    error = error_of(admin.delete(f"{path}?dryRun=true&dryRun=false"))

    assert (error["code"], error["field"]) == ("invalid_query", "dryRun")
    assert error["remedy"] == "Give it once."


@pytest.mark.parametrize("value", ["no", "false", 0, 0.0])
def test_what_is_no_boolean_ends_no_dry_run(super_admin, value: object) -> None:
    body = {"reason": "a drill", "dryRun": value}
    error = error_of(super_admin.post("/api/dead-letters/purge", json=body))

    assert error["field"] == "dryRun"


@pytest.mark.parametrize("value", [True, "5", 2.5])
def test_what_is_no_whole_number_counts_nothing(admin, value: object) -> None:
    body = {"messageType": "TEST", "data": {}, "options": {"attempts": value}}
    error = error_of(admin.post("/api/jobs", json=body))

    assert error["field"] == "options.attempts"


def test_what_can_be_asked_for_is_named(moderator) -> None:
    error = error_of(moderator.get("/api/jobs?status=failed&owner=ann"))
    nothing = error_of(moderator.get("/api/redis?verbose=1"))

    assert error["remedy"] == "Did you mean state?"
    assert error_of(moderator.get("/api/search?q=x&owner=ann"))["remedy"] == (
        "Use cursor, limit, q."
    )
    assert nothing["remedy"] == "Leave it out: this takes none."


def test_what_belongs_into_the_body_is_told_so_and_the_other_way_round(admin) -> None:
    outside = error_of(admin.post("/api/cleanup?dryRun=false", json={}))
    path = "/admin/jobs/queue/default/clear"
    inside = error_of(admin.request("DELETE", path, json={"dryRun": True}))

    assert outside["remedy"] == "Put it into the JSON body."
    assert (inside["field"], inside["remedy"]) == (
        "dryRun",
        "Give it as a parameter, `?dryRun=...`.",
    )


def test_a_body_that_is_no_json_is_called_that(admin) -> None:
    error = error_of(admin.patch("/admin/jobs/queue/email/pause", content="{bad", headers=JSON))

    assert error["field"] == "body"
    assert error["message"].startswith("The body is no JSON: ")


def test_who_may_not_ask_is_told_so_first(bearing) -> None:
    assert bearing(None).get("/api/jobs?owner=ann").status_code == 401
    assert refusal(bearing(None).get("/api/jobs?owner=ann")) == "not_authenticated"


def test_every_route_refuses_what_it_does_not_know(super_admin) -> None:
    answers = [
        super_admin.request(method, re.sub(r"{\w+}", "none", path), params={"surprise": "1"})
        for method, path in ROUTES
    ]

    assert len(answers) > 60
    assert {error_of(each)["field"] for each in answers} == {"surprise"}


def test_the_address_of_a_page_may_have_more(moderator) -> None:
    page = moderator.get("/", params={"surprise": "1"}, headers={"Accept": "text/html"})

    assert page.status_code == 200
