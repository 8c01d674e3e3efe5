"""What the log says of an error that nobody foresaw."""

import json
import logging
import re

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError

from messages import PostroomError
from monitoring.web.app import create_app
from monitoring.web.crashes import trail_of
from monitoring.web.settings import WebSettings
from postroom.web_server import ToldOnce
from tests.monitoring.api.tokens import BASE, SECRET
from workers.logs import in_shape

PAYLOAD = "s3cr3t-4711"


class Age(BaseModel):
    years: int


def stumble(years: object) -> None:
    try:
        Age.model_validate({"years": years})
    except ValidationError as error:
        raise ValueError(f"{years} is no age") from error


def raised_by(call) -> BaseException:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    pytest.fail("nothing was raised")


def test_where_it_was_raised_is_told_and_what_it_came_from() -> None:
    trail = trail_of(raised_by(lambda: stumble(PAYLOAD)))

    assert trail.index("ValidationError") < trail.index("ValueError")
    assert re.search(r'test_crashes\.py", line \d+, in stumble', trail)
    assert 'Age.model_validate({"years": years})' in trail


def test_what_it_choked_on_is_not_told() -> None:
    assert PAYLOAD not in trail_of(raised_by(lambda: stumble(PAYLOAD)))


def test_the_text_of_an_error_about_the_program_is_told() -> None:
    trail = trail_of(raised_by(lambda: None.missing))

    assert trail.endswith("builtins.AttributeError: 'NoneType' object has no attribute 'missing'\n")


def test_an_error_that_came_from_itself_has_an_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__context__ = other, one

    assert trail_of(one).count("ValueError") == 2


def test_a_crash_is_logged_once_and_its_answer_names_the_line(redis, caplog) -> None:
    app = create_app(connection=redis, settings=WebSettings(postroom_secret=SECRET))
    app.add_api_route("/stumble", lambda: stumble(PAYLOAD))
    client = TestClient(ToldOnce(app), base_url=BASE, raise_server_exceptions=True)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/stumble")
    (record,) = [each for each in caplog.records if "stumble" in str(each.msg)]
    line = in_shape(record.msg)

    assert answer.status_code == 500
    assert line["event"] in answer.json()["error"]["remedy"]
    assert (line["method"], line["path"]) == ("GET", "/stumble")
    assert "in stumble" in line["trail"]
    assert "starlette" not in line["trail"]
    assert PAYLOAD not in json.dumps(line)


def test_an_error_of_ours_that_no_route_may_raise_is_logged_too(redis, caplog) -> None:
    app = create_app(connection=redis, settings=WebSettings(postroom_secret=SECRET))
    app.add_api_route("/astray", astray)
    with caplog.at_level(logging.ERROR):
        answer = TestClient(app, base_url=BASE).get("/astray")

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "astray")
    assert "in astray" in caplog.text


def astray() -> None:
    raise PostroomError("This is nobody's fault.", remedy="None.", code="astray")
