"""A thousand made-up requests; `python3 run fuzz` sends twenty times as many."""

import logging
from collections.abc import Iterator
from enum import StrEnum

import pytest
from fastapi import FastAPI

_Text = StrEnum("_Text", {"SHORT": "short", "LONG": "x" * 70_000})


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow("a thousand requests, each made up from the description of its route")
def test_no_request_breaks_it_and_every_error_has_all_its_parts(redis) -> None:
    from tests.fuzz.__main__ import LET_IN, play  # noqa: PLC0415 - it takes a second

    report = play(redis, requests=1_000, chance=20_261_128)

    assert report.faults == []
    assert report.requests >= 1_000
    assert report.let_in >= LET_IN, report.words()
    assert len(report.routes) >= 38


def test_a_request_that_no_client_can_send_stops_nothing() -> None:
    from tests.fuzz.requests import Fuzz  # noqa: PLC0415 - it takes a second

    app = FastAPI()
    app.add_api_route("/long", _answered)

    report = Fuzz(app, "", dict).send(20)

    assert report.requests == 20
    assert report.statuses[200]


def _answered(text: _Text) -> str:
    return text.value[:5]
